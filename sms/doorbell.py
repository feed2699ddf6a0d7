"""Ring for the worker, off the path that a caller waits on.

A doorbell may be lost: beat's poller finds the text a second later. So it is rung from a thread of its own,
rings that come while one is being published are one ring, and a broker that is down costs nobody anything.
"""

from __future__ import annotations

import logging
import os
import threading
import time

logger = logging.getLogger(__name__)

BETWEEN_RINGS_SECONDS = 0.05
# While texts keep coming, a worker is at it anyway and looks for more by itself: rings get rarer.
MAX_BETWEEN_RINGS_SECONDS = 0.2
EXPIRE_SECONDS = 5

_pressed = threading.Event()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def ring() -> None:
    """Tell a worker that something is queued. Returns at once, and never raises."""
    # Setting it takes a lock. Where it is set, what rings for it comes after this.
    if not _pressed.is_set():
        _pressed.set()
    if _thread is None:
        _start()


def _start() -> None:
    global _thread
    with _starting:
        if _thread is not None:
            return
        thread = threading.Thread(target=_publish_for_ever, name="doorbell", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # As where no more threads are allowed. The next ring tries again.
            logger.warning("doorbell: it cannot be rung (%s); the poller will find the text", error)
        else:
            _thread = thread


def _publish_for_ever() -> None:
    down = False
    pause = BETWEEN_RINGS_SECONDS
    while True:
        pause = min(2 * pause, MAX_BETWEEN_RINGS_SECONDS) if _pressed.is_set() else BETWEEN_RINGS_SECONDS
        _pressed.wait()
        _pressed.clear()
        try:
            from sms.tasks import drain

            # As from the beat: a pile of them that came during a long drain is thrown away.
            drain.apply_async(expires=EXPIRE_SECONDS)
            down = False
        except Exception as error:
            if not down:
                logger.warning("doorbell: the broker does not take it (%s); the poller will", error)
            down = True
        # Publishing costs a millisecond of this process; one ring a moment is as good as a hundred.
        time.sleep(pause)


def _forget_in_child() -> None:
    """In a forked process its parent's thread does not run."""
    global _thread, _starting, _pressed
    _thread = None
    _starting, _pressed = threading.Lock(), threading.Event()


os.register_at_fork(after_in_child=_forget_in_child)
