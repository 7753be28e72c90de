"""Periods: for how long CloudWatch counts what is one number, and when that number is final."""

from typing import Literal, get_args

MINUTE = 60
Length = Literal[10, 30, 60]
"""In seconds; below a minute there is only what is published at high resolution."""
LENGTHS: tuple[Length, ...] = get_args(Length)
LATE_ANSWER_SECONDS = 60
"""How long after a request its bad answer may be counted."""


def final_seconds(period: int) -> int:
    """How old a period is when it is read. Both sides are read at one age, and a primary's bad
    answers that come later would be evidence against the canary."""
    return 60 if period >= MINUTE else 20


def quiet_periods(period: int) -> int:
    """How many periods after a change of the weight, or an incident, no test starts afresh: bad
    answers that are counted late would be evidence against the wrong side."""
    return 1 + -(-LATE_ANSWER_SECONDS // period)
