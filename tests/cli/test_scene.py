"""The scene of a release: whatever the width, no number is cut and no name stands for another."""

import re
from io import StringIO

import pytest
from rich.console import Console

from stepcanary_cli.scene import _numbers
from tests.unit.example_reports import a_bad

NAMES = ("errors-of-checkout-eu", "errors-of-checkout-us")


@pytest.mark.parametrize("columns", [20, 30, 40, 59, 60, 72, 80, 140])
def test_what_both_sides_have_counted_is_whole_at_any_width(columns: int) -> None:
    picture = a_bad().picture
    (metric, *_) = picture.metrics
    counts = {"canary": 12_345, "canary_bad": 1_234, "primary": 9_876_543, "primary_bad": 54_321}
    metrics = [metric.model_copy(update={"metric": name, **counts}) for name in NAMES]
    console = Console(width=columns, file=StringIO())
    for part in _numbers(picture.model_copy(update={"metrics": metrics}), columns):
        console.print(part)
    assert isinstance(console.file, StringIO)
    drawn = console.file.getvalue()
    assert "…" not in drawn
    assert max(map(len, drawn.splitlines())) <= columns
    flat = re.sub(r"\s", "", drawn)
    for number in (f"{count:,}" for count in counts.values()):
        assert flat.count(number) >= len(NAMES), number
    if columns < 60:
        assert all(flat.count(f"{name}canary:") == 1 for name in NAMES)
