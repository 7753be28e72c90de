"""Exposure: what a bad version did to users, as they saw it, and as its sources did."""

from collections.abc import Sequence
from typing import Any

from sandbox.client import Client
from sandbox.demo.checks import Report

Shift = tuple[float, int]
"""When the canary's weight was seen to have changed, on the monotonic clock, and to what."""


def as_seen(began: float, client: Client, old: str, shifts: Sequence[Shift]) -> Report:
    """Failed requests that the `old` version did not answer, when they came, and how long after the
    first of them the canary had no weight; seconds are from the beginning."""
    failed = [seen for version, seen in client.failed.items() if version != old]
    count = sum(n for version, n in client.total.errors_by_version.items() if version != old)
    if not failed:
        return {"failed_requests": count, "first_bad": None}
    first, last = min(first for first, _ in failed), max(last for _, last in failed)
    before = next((weight for at, weight in reversed(shifts) if at < first), None)
    returned = next((at for at, weight in shifts if at >= first and weight == 0), None)
    return {
        "by_primary": before == 0,
        "failed_requests": count,
        "first_bad": round(first - began, 2),
        "seconds_to_weight_0": None if returned is None else round(returned - first, 2),
        "seconds_to_last_bad": round(last - first, 2),
    }


def told(exposure: Report) -> list[str]:
    """What it was, in lines for people; none where nothing failed."""
    if exposure["first_bad"] is None:
        return []
    returned = exposure["seconds_to_weight_0"]
    when = "never" if returned is None else f"{returned:.1f} s later"
    when = "before it" if exposure["by_primary"] else when
    lines = [
        f"first bad answer at {exposure['first_bad']:.1f} s, weight 0 {when}, last bad answer"
        f" {exposure['seconds_to_last_bad']:.1f} s later; {exposure['failed_requests']} requests"
        " failed"
    ]
    return lines + [_of_source(source) for source in exposure["sources"]]


def _of_source(source: dict[str, Any]) -> str:
    name = source["source"]
    if "bad" not in source:
        return f"alarm {name} fired {source['seconds']:.1f} s after the first bad answer"
    return f"{name}: {source['bad']} of the canary's {source['requests']} requests were bad"
