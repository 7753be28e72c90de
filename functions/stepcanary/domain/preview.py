"""Preview: what a release would be like, step by step, if nothing held it up but what is said."""

from collections.abc import Iterator, Mapping, Sequence

from stepcanary.domain.alarm_fitness import seconds_to_fire
from stepcanary.domain.alarms import Described, leaves_of
from stepcanary.domain.exposure import BETWEEN_SECONDS, PERIOD, Assumed, Outages, threshold_of
from stepcanary.domain.log_outage import BROUGHT_SECONDS, errors_needed
from stepcanary.domain.model import Model
from stepcanary.domain.profile import Step
from stepcanary.domain.release import Release

PUBLISHED_SECONDS = 60
"""How old a datapoint of the router is when its alarm counts it."""
HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
DAYS = 7


class PreviewStep(Model):
    """A step of a release; times are in seconds from the first weight on. `holds` are how often its
    bake may be repeated. `failed` is how many requests fail at most if the canary breaks in it, and
    None where no traffic is known; `seconds` until the traffic has left, None where nothing is sure
    to see it before the release is over. `by_judge` and `by_alarms` are the same with one alone.
    """

    weight: int
    begins_at: int
    settle_seconds: int
    bake_seconds: int
    holds: int
    tasks: int
    approval: bool
    failed: int | None = None
    seconds: int | None = None
    by_judge: int | None = None
    by_alarms: int | None = None


class Source(Model):
    """What sees an outage, and how long after its first bad answer at most. Of a log without known
    traffic the source says after how many bad answers."""

    source: str
    seconds: int


def windows(now: int, length: int) -> list[tuple[int, int]]:
    """The last hour, and of each of the last seven days what the release would go on through, with
    the hour before it: from one second on, before another."""
    end = now // PERIOD * PERIOD
    length = min(length, DAY_SECONDS)
    days = [end - day * DAY_SECONDS for day in range(1, DAYS + 1)]
    past = [(at - HOUR_SECONDS, min(at + length, end)) for at in days]
    return [(end - HOUR_SECONDS, end), *past]


def assumed(requests: Mapping[int, float], bad: Mapping[int, float]) -> Assumed | None:
    """The traffic of the busiest of these minutes; None where there was none."""
    counted = {at: round(count) for at, count in requests.items() if count > 0}
    if not counted:
        return None
    busiest = max(counted, key=lambda at: (counted[at], at))
    every, failed = sum(counted.values()), sum(bad.get(at, 0.0) for at in counted)
    return Assumed(
        requests_per_minute=counted[busiest],
        busiest_at=busiest,
        bad_share=min(1.0, failed / every),
        minutes=len(counted),
    )


def lengths(release: Release) -> tuple[int, int]:
    """How long the steps and the returning last that nothing holds, and how long at most: with all
    holds, and gates that nobody answers. Tasks are taken to be there when they are needed."""
    both = [*release.steps, *release.return_steps]
    around = len(both) * (release.settle_seconds + BETWEEN_SECONDS)
    bakes = sum(step.bake_seconds for step in both)
    gates = sum(step.approval for step in both) + release.promotion.approval
    gate_seconds = gates * release.promotion.gate_seconds
    return bakes + around, bakes * (1 + release.holds) + around + gate_seconds


def sources(
    alarms: Described,
    names: Sequence[str],
    judged: Sequence[Source],
    logs: Sequence[Source] = (),
) -> list[Source]:
    """The logs that count; what the judge sees, if metrics decide; and each alarm whose time is
    known: the data that it needs, which begin within a period, and until it has them."""
    found = [*logs, *judged]
    for name in names:
        known = [
            seconds
            for _, settings in leaves_of(name, alarms)
            if (seconds := seconds_to_fire(settings)) is not None
        ]
        if known:
            seconds = max(known) + PERIOD + PUBLISHED_SECONDS
            found.append(Source(source=f"alarm {name}", seconds=seconds))
    return found


def logged(release: Release, outages: Outages | None) -> list[Source]:
    """The metrics of the canary's log that decide. How soon their bad answers are enough, the
    traffic says; where it is not known, or too little, it is said how many it takes."""
    judging = release.judge
    if judging is None or judging.observe:
        return []
    found = []
    for metric in (each for each in judging.logged if not each.observe):
        threshold = threshold_of(metric.rule, judging, len(release.steps))
        needed = errors_needed(metric.rule, threshold, 0)
        if needed is None:
            continue
        seconds = outages.heard_within(metric.rule) if outages else None
        name = f"log {metric.named}"
        if seconds is None:
            name, seconds = f"{name} (after {needed} or more bad answers)", BROUGHT_SECONDS
        found.append(Source(source=name, seconds=seconds))
    return found


def last_bake_warnings(steps: Sequence[Step], found: Sequence[Source]) -> Iterator[str]:
    """The last step has all traffic, and ends with the last look before the primary is replaced."""
    fastest = min(found, key=lambda source: source.seconds, default=None)
    last = steps[-1].bake_seconds if steps else 0
    if fastest is not None and last < fastest.seconds:
        yield (
            f"steps: the bake at 100 % lasts {last} s, and what sees a bad canary soonest, the"
            f" {fastest.source}, may take {fastest.seconds} s. A version that breaks under all"
            " traffic is on its way to the primary by then; bake the last step for as long"
        )


def timeline(release: Release, outages: Outages | None) -> list[PreviewStep]:
    """Without outages, for traffic that is not known, it says nothing of them."""
    found, at = [], 0
    for number, step in enumerate(release.steps):
        exposed = outages.exposed(number).model_dump() if outages else {}
        found.append(
            PreviewStep(
                weight=step.weight,
                begins_at=at,
                settle_seconds=release.settle_seconds,
                bake_seconds=step.bake_seconds,
                holds=release.holds,
                tasks=release.sizing.tasks(step.weight),
                approval=step.approval,
                **exposed,
            )
        )
        at += release.settle_seconds + step.bake_seconds + BETWEEN_SECONDS
    return found
