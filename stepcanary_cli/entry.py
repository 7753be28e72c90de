"""Entry: the first thing that runs, before the SDK is loaded, which takes a while."""

import importlib
import signal


def main() -> int:
    """The exit code. Ctrl-C ends the loading as a shell expects it, without Python's traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = importlib.import_module("stepcanary_cli.app")
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, before)
    code: int = app.main()
    return code
