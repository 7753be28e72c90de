"""Rows: what both sides of a release have counted, from all pages of the answer."""

from collections.abc import Callable

from stepcanary.domain.comparison import Row
from stepcanary.domain.model import Document

Ask = Callable[[Document], Document]
"""A question to the stack, and what it answers."""


def rows_of(ask: Ask, execution: str) -> tuple[int, list[Row]]:
    """How many steps the release had, and its rows."""
    after: str | None = ""
    steps, rows = 1, list[Row]()
    while after is not None:
        page = ask({"question": "rows", "release": execution, "after": after})
        # JSON has no tuples, which a row is strict about.
        rows += [Row.model_validate(row, strict=False) for row in page["rows"]]
        steps, after = page["steps"], page["after"]
    return steps, rows
