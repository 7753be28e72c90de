"""The demo application: one process is one ECS task, and its image tag says how it behaves."""

import json
import os
import random
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DRAIN_SECONDS = 5.0
BAD_RATE = 0.3
"""The share of requests that a task fails once it has turned bad, which SIGUSR1 makes it, unless
its tag names another: `v2-bad100`."""


def tag_of(image: str) -> str:
    name = image.split("@", 1)[0].rsplit("/", 1)[-1]
    return name.split(":", 1)[1] if ":" in name else "latest"


class Bucket:
    """A second's worth of requests, refilled all the while; who finds it empty is refused."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second, self._clock = per_second, clock
        self._left, self._at = per_second, clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now = self._clock()
            refilled = self._left + (now - self._at) * self.per_second
            self._left, self._at = min(self.per_second, refilled), now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class App(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, service: str, version: str) -> None:
        self.service = service
        self.version = version
        fail = re.search(r"-fail(\d+(?:\.\d+)?)", version)
        self.fail_rate = float(fail.group(1)) / 100 if fail else 0.0
        bad = re.search(r"-bad(\d+)", version)
        self.bad_rate = int(bad.group(1)) / 100 if bad else BAD_RATE
        slow = re.search(r"-slow(\d+)", version)
        self.takes_seconds = int(slow.group(1)) / 1000 if slow else 0.0
        self.strays = 0
        """How many requests it fails yet, one each time that SIGUSR2 comes."""
        self.healthy = "-hang" not in version
        self.upstream = os.environ.get("UPSTREAM")
        limit = float(os.environ.get("REQUESTS_PER_SECOND") or 0)
        self.bucket = Bucket(limit) if limit else None
        self.stopping = False
        self._in_flight = 0
        self._idle = threading.Condition()
        super().__init__(("127.0.0.1", port), Handler)

    def must_stray(self) -> bool:
        with self._idle:
            strays, self.strays = self.strays > 0, max(0, self.strays - 1)
            return strays

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of the application."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def enter(self) -> None:
        with self._idle:
            self._in_flight += 1

    def leave(self) -> None:
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def wait_idle(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._in_flight == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    server: App
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; with Nagle each answer would wait for a delayed ACK.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.enter()
        self._began = time.monotonic()
        try:
            if self.path == "/health":
                self._answer(200 if self.server.healthy else 503)
            elif self.server.bucket and not self.server.bucket.take():
                self._refuse(self.server.bucket.per_second)
            else:
                time.sleep(self.server.takes_seconds)
                self._serve()
        finally:
            self.server.leave()

    def _serve(self) -> None:
        if self.server.must_stray() or random.random() < self.server.fail_rate:
            self._answer(500)
        elif self.server.upstream:
            self._relay(self.server.upstream)
        else:
            self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.do_GET()

    def _refuse(self, limit: float) -> None:
        """Answer that this task has more requests than it can take."""
        app = self.server
        refused = f"this task takes {limit:g} requests per second, and this was one more"
        body = {"service": app.service, "version": app.version, "refused": refused}
        self._answer(503, json.dumps(body).encode())

    def _relay(self, upstream: str) -> None:
        """Answer as the service behind this one does."""
        try:
            with urllib.request.urlopen(upstream, timeout=5) as answer:
                self._answer(answer.status, answer.read(), answer.headers["x-version"])
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.read(), error.headers["x-version"] or "gateway")
        except OSError:
            self._answer(502)

    def _answer(self, status: int, body: bytes | None = None, version: str | None = None) -> None:
        app = self.server
        if body is None:
            body = json.dumps({"service": app.service, "version": app.version}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-version", version or app.version)
        self.send_header("x-task", str(app.server_port))
        if app.stopping:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self._log(status)

    def _log(self, status: int) -> None:
        """Write a line of the access log, in one piece whatever other threads write."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "method": self.command,
            "path": self.path,
            "status": status,
            "duration_ms": round((time.monotonic() - self._began) * 1000, 1),
        }
        os.write(1, json.dumps(line).encode() + b"\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


def exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    version = tag_of(os.environ["IMAGE"])
    if "-crash" in version or os.environ.get("CRASH"):
        sys.exit(1)
    time.sleep(float(os.environ.get("START_SECONDS") or 0))
    app = App(int(os.environ["PORT"]), os.environ.get("SERVICE", "shop"), version)

    def stop(signum: int, frame: object) -> None:
        app.stopping = True
        # shutdown() waits for serve_forever(), which this very thread runs.
        threading.Thread(target=app.shutdown, daemon=True).start()

    def turn_bad(signum: int, frame: object) -> None:
        app.fail_rate = app.bad_rate

    signal.signal(signal.SIGTERM, stop)

    def stray(signum: int, frame: object) -> None:
        app.strays += 1

    signal.signal(signal.SIGUSR1, turn_bad)
    signal.signal(signal.SIGUSR2, stray)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent := os.environ.get("PARENT_PID"):
        threading.Thread(target=exit_with_parent, args=(int(parent),), daemon=True).start()
    app.serve_forever(poll_interval=0.05)
    app.server_close()
    app.wait_idle(DRAIN_SECONDS)


if __name__ == "__main__":
    main()
