"""`make sandbox`: keeps the sandbox running and prints how to reach it."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from sandbox.cloud import LOG, Sandbox, environment
from sandbox.fronts.names import FRONTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the AWS API (default: any)")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    given = parser.parse_args()
    quiet()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(FRONTS[given.router](), given.port) as sandbox:
        for name, value in environment(sandbox.endpoint).items():
            print(f"export {name}={value}")
        print(f"export STATE_MACHINE={sandbox.machine}")
        print(f"export GATEWAY={sandbox.url}")
        print(f"# Envoy's admin page: {sandbox.admin_url}")
        print("# Ready. Ctrl-C ends it.", flush=True)
        stopped.wait()


def quiet() -> None:
    """Send the logs of the handlers and of moto to a file: the screen shows the release."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(LOG, mode="w")
    logging.basicConfig(handlers=[file], level=logging.INFO, force=True)
    for noisy in ("werkzeug", "botocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    os.environ["POWERTOOLS_SERVICE_NAME"] = "stepcanary"
    from stepcanary.observability import logger

    for handler in logging.getLogger(logger.service).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file.stream)


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Run a program of the sandbox; Ctrl-C ends it without a stack trace."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; the sandbox is closed and nothing of it runs any more")
        sys.exit(130)


if __name__ == "__main__":
    main()
