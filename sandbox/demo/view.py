"""View: a release as the terminal shows it."""

import shutil
import sys
import time

from sandbox.client import Client


class View:
    """One line that changes on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = ""

    def show(self, began: float, state: str, split: tuple[int, int], client: Client) -> None:
        total = client.total
        versions = "  ".join(
            f"{version}: {count} ({total.errors_by_version[version]} errors)"
            for version, count in sorted(total.by_version.items())
        )
        key = f"{state} {split}"
        seconds = time.monotonic() - began
        line = f"{seconds:6.1f} s  {state:<15} {split[0]:>3}:{split[1]:<3}  {versions}"
        if self._live:
            end = "\n" if key != self._last else ""
            # A line that wraps could not be written over.
            shown = line[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{shown}", end=end, flush=True)
        elif key != self._last:
            print(line, flush=True)
        self._last = key

    def end(self) -> None:
        if self._live:
            print()
