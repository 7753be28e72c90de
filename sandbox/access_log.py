"""Access log: how long the targets of an Envoy took to answer, request by request."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from sandbox.envoy import LOGGERS
from sandbox.fronts.front import Json

FLUSH_MILLISECONDS = 100
FORMAT = "%UPSTREAM_CLUSTER% %COMMON_DURATION(US_TX_END:US_RX_BEG:us)%\n"
"""Microseconds from when a request has left Envoy until its answer begins; `-` without one."""
MOST_BYTES = 1_000_000


class AccessLog:
    """A file that Envoy writes; `reopen` makes it begin a new one."""

    def __init__(self, path: Path, reopen: Callable[[], None]) -> None:
        self._path, self._reopen = path, reopen
        self._file: TextIO | None = None
        self._part = ""

    def configuration(self) -> Json:
        return {
            "name": "file",
            "typed_config": {
                "@type": f"{LOGGERS}.file.v3.FileAccessLog",
                "path": str(self._path),
                "log_format": {"text_format_source": {"inline_string": FORMAT}},
            },
        }

    def close(self) -> None:
        if self._file:
            self._file.close()

    def seconds(self) -> dict[str, list[float]]:
        """By cluster, how long each answer took that was written since the last call."""
        if self._file is None and self._path.exists():
            self._file = self._path.open()
        if self._file is None:
            return {}
        text = self._part + self._file.read()
        if self._path.exists() and self._path.stat().st_ino != _inode(self._file):
            # Envoy has begun the new one, and so has ended this one.
            text += self._file.read()
            self._file.close()
            self._file = self._path.open()
            text += self._file.read()
        elif self._path.exists() and self._file.tell() > MOST_BYTES:
            self._path.rename(self._path.with_suffix(".old"))
            self._reopen()
        *lines, self._part = text.split("\n")
        found: dict[str, list[float]] = {}
        for line in lines:
            cluster, _, took = line.partition(" ")
            if took.isdigit():
                found.setdefault(cluster, []).append(int(took) / 1_000_000)
        return found


def _inode(file: TextIO) -> int:
    return os.fstat(file.fileno()).st_ino
