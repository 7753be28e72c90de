"""Page: the shell commands of a page, as one script."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```shell\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """`why_not` is empty where it is run."""

    line: int
    text: str
    why_not: str


def blocks(page: str) -> list[Block]:
    return [
        Block(page.count("\n", 0, found.start("text")), found["text"], found["why"] or "")
        for found in BLOCK.finditer(page)
    ]


def script(page: Path, before: Mapping[str, str]) -> str:
    """It stops at the first command that fails, and says before each block where that stands.

    `before` has a command for a heading, to run before the first block below it.
    """
    text = page.read_text()
    due = {
        text.count("\n", 0, text.index(f"\n{heading}\n")): does for heading, does in before.items()
    }
    parts = ["set -euo pipefail"]
    for block in blocks(text):
        parts += [due.pop(line) for line in sorted(due) if line < block.line]
        place = f"{page.name}:{block.line}"
        if block.why_not:
            parts.append(f"# {place} is not run: {block.why_not}")
        else:
            parts += [f"echo '== {place}'", block.text.rstrip()]
    return "\n".join(parts) + "\n"
