"""Usual: what a primary counts on a day with nothing wrong, which an incident differs from."""

import statistics
from collections.abc import Iterable

from pydantic import Field

from stepcanary.domain.model import Model

INCIDENT_RATE, INCIDENT_FACTOR = 0.01, 3.0
HOUR_SECONDS = 3_600


class Usual(Model):
    """The requests that a primary answered on a usual day, and how many of these were bad."""

    requests: int = Field(ge=1)
    """How many requests it answered."""
    bad: int = Field(ge=0)
    """How many of the answers were bad."""

    @property
    def share(self) -> float:
        return min(1.0, self.bad / self.requests)


def incident_rate(usual: float) -> float:
    """Above which share of bad answers a side with this usual one has an incident."""
    return max(INCIDENT_RATE, INCIDENT_FACTOR * usual)


def usual_of(counted: Iterable[tuple[int, int, int]]) -> Usual | None:
    """What a side has counted, without its incidents; None where it has had no requests.

    Each period is when it began, in epoch seconds, its requests, and how many of these were bad.
    Whole hours are left out, those with far more bad answers than the middle one: of few requests
    in a minute one bad answer would be an incident.
    """
    hours: dict[int, tuple[int, int]] = {}
    for at, requests, bad in counted:
        if requests:
            all_of_them, failed = hours.get(at // HOUR_SECONDS, (0, 0))
            hours[at // HOUR_SECONDS] = all_of_them + requests, failed + bad
    if not hours:
        return None
    middle = statistics.median(bad / requests for requests, bad in hours.values())
    kept = [(n, x) for n, x in hours.values() if x <= incident_rate(middle) * n]
    return Usual(requests=sum(n for n, _ in kept), bad=sum(x for _, x in kept))
