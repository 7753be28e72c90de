"""Visible text: what others say, so that it does nothing to the terminal or the page of who reads
it."""

from typing import Any
from unicodedata import category

HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Kinds of characters that a terminal or a browser obeys, or cannot show, or shows as wide as it
likes."""
MOST_MARKS = 3
"""More of them on one letter run over the lines beside it."""


def visible(text: str) -> str:
    """Whoever sends a reason or a name has no say over what shows it."""
    kept: list[str] = []
    marks = 0
    for character in text:
        kind = category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        is_plain = character == "\n" or (kind not in HIDDEN and marks <= MOST_MARKS)
        kept.append(character if is_plain else _escaped(character))
    return "".join(kept)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def line(text: object) -> str:
    """On one line, so that no word of people looks like a line of ours."""
    return visible(" ".join(str(text).splitlines()))


def in_lines(found: Any) -> Any:
    """A document with every text on one line."""
    if isinstance(found, dict):
        return {in_lines(key): in_lines(value) for key, value in found.items()}
    if isinstance(found, list):
        return [in_lines(each) for each in found]
    return line(found) if isinstance(found, str) else found
