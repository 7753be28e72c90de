"""Console: what the sandbox's programs do with the terminal they run in."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

LOG = Path("build/sandbox.log")


def quiet(log: Path = LOG) -> None:
    """Send the logs of the handlers and of moto to a file: the screen shows the release."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(log, mode="w")
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
