"""Console: what the sandbox's programs do with the terminal they run in."""

import importlib
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

LOG = Path("build/sandbox.log")
ENDING = (signal.SIGINT, signal.SIGTERM)


def quiet(log: Path = LOG) -> None:
    """Send the logs of the handlers and of moto to a file: the screen shows the release."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(log, mode="w")
    logging.basicConfig(handlers=[file], level=logging.INFO, force=True)
    for noisy in ("werkzeug", "botocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from stepcanary.observability import logger

    for handler in logging.getLogger(logger.service).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file.stream)


class Interrupted(BaseException):
    """A signal that asks the program to end."""

    def __init__(self, number: int) -> None:
        self.number = number


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # What closes the sandbox takes a moment, and is not to be interrupted in its turn.
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Run a program of the sandbox; SIGINT and SIGTERM close it, without a stack trace."""
    for each in ENDING:
        signal.signal(each, _interrupt)
    try:
        sys.exit(main())
    except Interrupted as by:
        print("\ninterrupted; the sandbox is closed and nothing of it runs any more", flush=True)
        sys.exit(128 + by.number)


def exit_with_program(module: str) -> NoReturn:
    """The same for the `main` of a module, also while that is imported, which takes seconds."""

    def main() -> int:
        code: int = importlib.import_module(module).main()
        return code

    exit_with(main)
