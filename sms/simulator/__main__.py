"""Starts the simulated carrier: python -m sms.simulator"""

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from .callbacks import Callbacks
from .carrier import DEFAULT_PACE_SECONDS, MAX_PACE_SECONDS, Carrier
from .control import Control
from .events import Events
from .faults import ACCOUNT_SID
from .journal import Busy, Journal
from .twilio_api import TwilioApi

DEFAULT_PORT = 8001
BACKLOG = 1_024
MAX_BODY_BYTES = 65_536
# Answers that are held back on purpose must not hold back the end.
SHUTDOWN_SECONDS = 0.2


def main() -> int:
    """Serves until told to stop; 1 when the port or the directory cannot be had."""
    options = _options()
    try:
        listener = _listen(options.host, options.port)
    except OSError as e:
        print(
            f"Cannot listen on {options.host}:{options.port} ({e.strerror}). Stop what uses it, "
            "or choose another port with --port or SIMULATOR_PORT.",
            file=sys.stderr,
        )
        return 1
    try:
        journal = Journal(options.data) if options.data else None
        carrier = Carrier(options.pace, journal)
        asyncio.run(_serve(carrier, listener, options))
    except Busy as e:
        print(f"{e}. Stop it, or choose another directory with --data.", file=sys.stderr)
        return 1
    except OSError as e:
        if options.data is None:
            raise
        print(f"Cannot use {options.data}: {e.strerror}. Choose another --data.", file=sys.stderr)
        return 1
    return 0


async def _serve(carrier: Carrier, listener: socket.socket, options: argparse.Namespace) -> None:
    carrier.restore()
    for account in options.accounts:
        carrier.put_account(account)
    callbacks, events = Callbacks(carrier), Events(carrier)
    control = Control(carrier, callbacks, events, options.host)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes([*control.routes(), *TwilioApi(carrier).routes()])
    app.add_subapp("/simulator/", control.api())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    print(f"Simulated carrier: http://{address}:{port}/ (no text leaves this machine)", flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()
    await callbacks.close()
    carrier.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    # A restart must not wait for the connections of the process before it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _options() -> argparse.Namespace:
    environment = os.environ
    parser = argparse.ArgumentParser(
        prog="python -m sms.simulator",
        description="A carrier on this machine: speaks Twilio's Messages API, shows the texts.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port",
        type=_port,
        default=environment.get("SIMULATOR_PORT") or str(DEFAULT_PORT),
        help=f"port to listen on, 0 for any (SIMULATOR_PORT, {DEFAULT_PORT})",
    )
    parser.add_argument("--data", type=Path, help="directory to remember texts and accounts in")
    parser.add_argument(
        "--pace",
        type=_pace,
        default=environment.get("SIMULATOR_PACE") or str(DEFAULT_PACE_SECONDS),
        help=f"seconds a text takes to be sent (SIMULATOR_PACE, {DEFAULT_PACE_SECONDS})",
    )
    options = parser.parse_args()
    try:
        options.accounts = _accounts(environment.get("SIMULATOR_ACCOUNTS", ""))
    except ValueError as e:
        parser.error(f"SIMULATOR_ACCOUNTS: {e}")
    return options


def _port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or int(value) > 65_535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a port")
    return int(value)


def _pace(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_PACE_SECONDS:
        raise argparse.ArgumentTypeError(f"{value!r} is not from 0 to {MAX_PACE_SECONDS} seconds")
    return seconds


def _accounts(value: str) -> list[dict[str, str]]:
    """The accounts in `SID:token,SID:token`. Raises ValueError."""
    accounts = []
    for position, pair in enumerate(filter(None, map(str.strip, value.split(","))), start=1):
        sid, _, token = pair.partition(":")
        if not ACCOUNT_SID.fullmatch(sid) or not token:
            # The pair itself has a secret in it, so it is not repeated.
            raise ValueError(f"entry {position} is not an account SID, a colon and a token")
        accounts.append({"sid": sid, "auth_token": token})
    return accounts


if __name__ == "__main__":
    sys.exit(main())
