"""Rows: what both sides of a release have counted, from all pages of the answer."""

from collections.abc import Callable
from dataclasses import dataclass

from stepcanary.domain.comparison import Row
from stepcanary.domain.model import Document

Ask = Callable[[Document], Document]
"""A question to the stack, and what it answers."""


@dataclass(frozen=True, slots=True)
class ReleaseCounts:
    """Of a release: how many steps it had, its rows, and its metrics of logs, which have none."""

    steps: int
    rows: list[Row]
    logged: list[str]


def rows_of(ask: Ask, execution: str) -> ReleaseCounts:
    after: str | None = ""
    steps, rows, logged = 1, list[Row](), list[str]()
    while after is not None:
        page = ask({"question": "rows", "release": execution, "after": after})
        # JSON has no tuples, which a row is strict about.
        rows += [Row.model_validate(row, extra="ignore", strict=False) for row in page["rows"]]
        # A stack that was not updated yet tells nothing of logs.
        steps, after, logged = page["steps"], page["after"], page.get("logged", [])
    return ReleaseCounts(steps, rows, logged)
