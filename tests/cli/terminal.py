"""A terminal of some columns and rows, and what a command's view has put on it.

It knows what a terminal does with the few sequences that the views may use, and refuses others.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from emulator.template import ROOT

PLAYER = Path(__file__).with_name("player.py")
SEQUENCE = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*m|\d*A|2K|1G|0?J|H)")


@dataclass
class Screen:
    """`lines` has all that was written, also what has left the screen at its top."""

    columns: int
    rows: int
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            character = text[position]
            if character == "\x1b":
                sequence = SEQUENCE.match(text, position)
                assert sequence, f"no sequence of ours: {text[position : position + 12]!r}"
                self._obey(sequence[1])
                position = sequence.end()
                continue
            position += 1
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.row += 1
                while len(self.lines) <= self.row:
                    self.lines.append("")
            else:
                assert character.isprintable(), f"a control character: {character!r}"
                self._put(character)

    def _put(self, character: str) -> None:
        width = cell_len(character)
        assert self.column + width <= self.columns, f"it runs over: {self.lines[self.row]!r}"
        line = self.lines[self.row].ljust(self.column)
        assert cell_len(line) == self.column, "a line is written from its beginning"
        self.lines[self.row] = line + character
        self.column += width

    def _obey(self, sequence: str) -> None:
        if sequence.endswith("A"):
            up = int(sequence[:-1] or 1)
            assert up < self.rows, "the top of the screen has left it"
            self.row -= up
        elif sequence == "2K":
            self.lines[self.row] = ""
        elif sequence == "1G":
            self.column = 0

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).strip("\n")


def play(scenes: list[Any], *, columns: int, rows: int = 40) -> Screen:
    """What is left on a terminal after these scenes, with all that scrolled away."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    places = os.pathsep.join([str(ROOT / "functions"), str(ROOT)])
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": places,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    playing = subprocess.Popen(
        [sys.executable, str(PLAYER)],
        stdin=subprocess.PIPE,
        stdout=child,
        stderr=child,
        env=environment,
        start_new_session=True,
    )
    os.close(child)
    assert playing.stdin is not None
    playing.stdin.write(json.dumps(scenes).encode())
    playing.stdin.close()
    written = b""
    while True:
        try:
            part = os.read(parent, 65_536)
        except OSError:
            # How Linux tells that the other end is closed.
            break
        if not part:
            break
        written += part
    os.close(parent)
    assert playing.wait(60) == 0, written.decode()
    screen = Screen(columns, rows)
    screen.feed(written.decode())
    return screen
