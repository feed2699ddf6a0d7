"""`make run`: everything that Midcall is, under one supervisor, and one screen of text when it settles.

Without DATABASE_URL that is the demo: the embedded PostgreSQL and the simulated carrier come up, too. Each
process writes its own log under DATA_DIR/log; one that dies is started again; Ctrl-C stops them together.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from builder import embedded

DEMO = "DATABASE_URL" not in os.environ
SETTLE_SECONDS = 60
# What is in flight is waited for, so that nothing is in doubt at the next start: a claim, which waits for the
# database 15 s at most, and the carrier's answers, 38 s (sms/providers/base.py).
STOP_SECONDS = 60


def main() -> None:
    ports = {
        name: _port(name, default)
        for name, default in {"PORT": 8000, "SIMULATOR_PORT": 8001}.items()
        if name == "PORT" or DEMO
    }
    # An empty variable is an unset one; what is started below reads it, too.
    os.environ.update({name: str(port) for name, port in ports.items()})
    _refuse_twice()
    for name, port in ports.items():
        _refuse_taken(name, port)
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `kill` and a closed terminal stop the rest as Ctrl-C does, also where a shell has that ignored.
        signal.signal(end, signal.default_int_handler)
    if DEMO:
        for name, value in embedded.demo_environment().items():
            os.environ.setdefault(name, value)
        os.environ["SIMULATOR_ACCOUNTS"] = ",".join(
            f"{os.environ[f'{whose}_ACCOUNT_SID']}:{os.environ[f'{whose}_AUTH_TOKEN']}"
            for whose in ("DEMO", "ATLAS")
        )
        _say("Starting the embedded PostgreSQL …")
        embedded.start()
    _say("Preparing the database …")
    _manage(*(["demo"] if DEMO else ["migrate", "--verbosity=0"]))
    _say("Starting the web server, the worker, the beat" + (" and the carrier …" if DEMO else " …"))
    supervisor = _supervise(ports)
    try:
        settled = _settle(supervisor, ports)
        print(_screen(ports) if settled else _trouble(), flush=True)
        supervisor.wait()
    except KeyboardInterrupt:
        _say("\nStopping …")
        supervisor.send_signal(signal.SIGTERM)
        # A second Ctrl-C must not leave the rest running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.wait()
    if supervisor.returncode not in (0, -signal.SIGTERM):
        raise SystemExit(_trouble())


def _say(line: str) -> None:
    print(line, flush=True)


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise SystemExit(f"{name} is not a port number: give a number from 1 to 65535, or unset it.")
    return int(value)


def _refuse_twice() -> None:
    pidfile = embedded.data_dir() / "supervisord.pid"
    try:
        running = psutil.Process(int(pidfile.read_text()))
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return
    if any("supervisord" in word for word in running.cmdline()):
        raise SystemExit(
            f"Midcall runs already with the data in {embedded.data_dir()}: stop it with Ctrl-C where it "
            f"was started, or with `kill {running.pid}`."
        )


def _refuse_taken(name: str, port: int) -> None:
    with socket.socket() as probe:
        # As servers do: a port that only has connections in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(
                f"Port {port} cannot be used ({error.strerror}): stop what uses it, or choose another: "
                f"`make run {name}={port + 10}`."
            ) from error


def _manage(*words: str) -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=embedded.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode:
        raise SystemExit(finished.stdout.strip())


def _supervise(ports: dict[str, int]) -> subprocess.Popen[bytes]:
    data = embedded.data_dir()
    (data / "log").mkdir(exist_ok=True)
    for log in (data / "log").glob("*.log"):
        # One generation back is kept; what stands in a log is of this run.
        log.replace(log.with_suffix(".before"))
    configuration = data / "supervisord.conf"
    configuration.write_text(_configuration(ports, data))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(configuration)],
        cwd=embedded.BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C reaches this process alone, which then stops the supervisor in order.
        start_new_session=True,
    )


def programs(ports: dict[str, int], web_workers: int = 1) -> dict[str, str]:
    """The command of each process, by its name. A web worker is a process of 80 MB."""
    binaries = Path(sys.executable).parent
    celery = f"{binaries / 'celery'} --app builder"
    found = {
        "web": f"{binaries / 'granian'} --interface wsgi --port {ports['PORT']} --workers {web_workers} "
        # More threads than cores only wait for one another, and the slowest call the longest.
        "--blocking-threads 3 --http 1 --no-ws --workers-kill-timeout 5 builder.wsgi:application",
        # Threads: the sending is one event loop a process anyhow, and under the filesystem broker a pool of
        # processes stands still once one of them is killed (billiard's blocking pool, one pipe for all).
        "worker": f"{celery} worker --loglevel INFO --pool threads --concurrency 2 --without-gossip "
        "--without-mingle --without-heartbeat",
        "beat": f"{celery} beat --loglevel WARNING --pidfile=",
    }
    if "SIMULATOR_PORT" in ports:
        found["carrier"] = (
            f"{sys.executable} -m sms.simulator --port {ports['SIMULATOR_PORT']} "
            f"--data {embedded.data_dir() / 'carrier'}"
        )
    return found


def _configuration(ports: dict[str, int], data: Path) -> str:
    lines = [
        "[supervisord]",
        "nodaemon=true",
        f"logfile={data / 'log' / 'supervisor.log'}",
        f"pidfile={data / 'supervisord.pid'}",
        "silent=true",
    ]
    for name, command in programs(ports).items():
        lines += [
            "",
            f"[program:{name}]",
            f"command={command}",
            f"directory={embedded.BASE_DIR}",
            f"stdout_logfile={data / 'log' / f'{name}.log'}",
            "redirect_stderr=true",
            "stdout_logfile_maxbytes=5MB",
            "stdout_logfile_backups=1",
            "autorestart=true",
            "startsecs=1",
            "startretries=5",
            f"stopwaitsecs={STOP_SECONDS}",
            "killasgroup=true",
        ]
    # supervisord reads %(x)s in values.
    return "\n".join(lines).replace("%", "%%") + "\n"


def _settle(supervisor: subprocess.Popen[bytes], ports: dict[str, int]) -> bool:
    waiting = [f"http://127.0.0.1:{ports['PORT']}/readyz"]
    if DEMO:
        waiting.append(f"http://127.0.0.1:{ports['SIMULATOR_PORT']}/healthz")
    worker_log = embedded.data_dir() / "log" / "worker.log"
    ends = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < ends and supervisor.poll() is None:
        waiting = [url for url in waiting if not _answers(url)]
        if not waiting and worker_log.exists() and " ready." in worker_log.read_text(errors="replace"):
            return True
        time.sleep(0.05)
    return False


def _answers(url: str) -> bool:
    # A host that is not local, or a proxy in the environment, has no part in this.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _screen(ports: dict[str, int]) -> str:
    web = os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{ports['PORT']}"
    logs = embedded.data_dir() / "log"
    if not DEMO:
        return f"\nMidcall runs: {web}/admin/   Logs: {logs}   Ctrl-C stops everything.\n"
    phone = f"http://127.0.0.1:{ports['SIMULATOR_PORT']}/"
    secret = os.environ["DEMO_CONNECTION_SECRET"]
    return f"""
  Midcall runs. Nothing it sends leaves this machine: the carrier is simulated.

    Admin    {web}/admin/      log in as  ops  with the password  {os.environ["DEMO_PASSWORD"]}
                               or, to see what a role may, as  viewer,  writer  or  admin  with the same
    Phone    {phone}            the texts arrive here

  Send a first text, as a voice agent would in a call (paste this into another terminal):

    curl -s {web}/c/demo/tools/booking_confirmation \\
      -H 'Authorization: Bearer {secret}' \\
      -H 'Content-Type: application/json' \\
      -d '{{"callId": "call-'$(date +%s)'", "toolCallId": "1", "customerPhoneNumber": "+14155550123",
           "parameters": {{"guests": "four", "day": "Friday", "time": "7 pm",
                          "consent": "Yes, please text me."}}}}'

  Logs     {logs}
  Ctrl-C   stops everything; the next `make run` has the same data.
"""


def _trouble() -> str:
    lines = ["Midcall did not settle. The last lines of each log:"]
    for log in sorted((embedded.data_dir() / "log").glob("*.log")):
        tail = log.read_text(errors="replace").splitlines()[-5:]
        lines += [f"--- {log}", *tail]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
