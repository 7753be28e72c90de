"""Written: the document of an earlier report, which anybody may have changed since."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, Self

from pydantic import Field, model_validator

from stepcanary.domain.comparison import Row
from stepcanary.domain.model import Document, Model
from stepcanary.domain.picture import Picture

SECOND = 1_000
LARGEST = 6 * 10**13
"""Of all numbers. As a time in milliseconds that is the year 3871, and below zero the year 68."""


class WrittenRelease(Model):
    """What a report shows of one in the history; times are in epoch seconds."""

    execution: str
    outcome: str
    by: str = ""
    started_at: int = Field(ge=0, le=LARGEST // SECOND)
    seconds: int | None = Field(default=None, ge=0)
    commit: str | None = None
    pushed_at: str | None = None
    link: str | None = None


class WrittenEvidence(Model):
    picture: Picture
    past: WrittenRelease | None
    rows: list[Row]
    judging: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _within_time(self) -> Self:
        """What they have in seconds is shown in milliseconds."""
        seconds = chain(
            (signal.at for signal in self.picture.signals),
            (row.at + row.period for row in self.rows),
        )
        if any(abs(each) > LARGEST // SECOND for each in seconds):
            raise ValueError("has a time that no calendar has")
        return self


class WrittenReport(Model):
    """Another version may have written more."""

    evidence: WrittenEvidence
    history: list[WrittenRelease] = Field(default=[])
    summary: str = ""


def read(document: Document) -> WrittenReport:
    """Strictly, as the JSON that it was. Raises `ValueError`, of which pydantic's is one."""
    if not all(abs(each) <= LARGEST for each in _numbers(document)):
        raise ValueError("it has a number that nothing comes to")
    return WrittenReport.model_validate_json(json.dumps(document), extra="ignore")


def _numbers(document: object) -> Iterator[float]:
    left = [document]
    while left:
        found = left.pop()
        if isinstance(found, (int, float)):
            yield found
        elif isinstance(found, (dict, list)):
            left += found.values() if isinstance(found, dict) else found
