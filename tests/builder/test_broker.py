"""The folder that is Celery's broker where there is no other."""

from __future__ import annotations

import uuid

import pytest
from kombu import Connection

from builder import embedded


@pytest.fixture
def queue(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    url, options = embedded.broker()
    with Connection(url, transport_options=options) as connection:
        # A name of its own: within a process kombu remembers which queues it has declared, in any folder.
        yield connection.SimpleQueue(f"queue-{uuid.uuid4()}")


def test_a_message_is_read_once(queue):
    queue.put({"a": 1})

    assert queue.get(timeout=5).payload == {"a": 1}
    with pytest.raises(queue.Empty):
        queue.get(block=False)


@pytest.mark.parametrize("written", ["", "{", '{"body": '])
def test_a_message_that_is_being_written_is_passed_by(queue, tmp_path, written):
    (tmp_path / "broker" / "queue" / f"0_half.{queue.queue.name}.msg").write_text(written)

    with pytest.raises(queue.Empty):
        queue.get(block=False)
    queue.put({"a": 2})
    assert queue.get(timeout=5).payload == {"a": 2}
