"""Telling: what is decided about a release, as an event, as metrics and as one line of the log.

None of it is waited for, and none fails what it tells of. A function that runs twice tells twice.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from stepcanary import clock
from stepcanary.aws import eventbridge
from stepcanary.domain import events
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.lease import Lease
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Kind, Signal
from stepcanary.domain.verdict import Progress
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.observability import count, decided, publish_together
from stepcanary.store import ledger

if TYPE_CHECKING:
    # With it comes all that reads lines, which few of those who tell do.
    from stepcanary.domain.log_counts import LogCounts

ENDS = ("Released", "Reverted", "PromotionFailed", "RevertFailed")
"""Outcomes that are counted for each service."""
RANKS = {"errors": 0, "custom": 1, "logs": 2, "latency": 3}
"""Which metric's requests are told of."""


def queued(execution: str, service: str, by: str, behind: str) -> None:
    eventbridge.publish(events.queued(execution, service, by, behind))
    count("Queued", service=service)
    decided("queued", execution, service, by=by, behind=behind)


def started(release: Release) -> None:
    eventbridge.publish(events.started(release))
    origin = release.origin.model_dump(exclude_none=True)
    version = {"version": release.described, "steps": [step.weight for step in release.steps]}
    decided("started", release.execution, release.service, by=release.by, **version, **origin)


def shifted(release: Release, weight: int) -> None:
    """Read back."""
    eventbridge.publish(events.shifted(release, weight))
    has_weight(release, weight)
    decided("shifted", release.execution, release.service, weight=weight)


def has_weight(release: Release, weight: int) -> None:
    count("CanaryWeight", weight, service=release.service)


def judged(release: Release, step: int, progress: Progress) -> None:
    """The verdict on a step that has baked, and what follows it."""
    if progress.next != "revert":
        count("Holds" if progress.next == "bake" else "Advances", service=release.service)
    decided(
        "judged",
        release.execution,
        release.service,
        step=step,
        following=progress.next,
        reason=progress.reason,
        holds=progress.holds,
    )


def waits(release: Release, wait: int, ends_on: list[Kind]) -> None:
    """For a person; a bake waits for nobody."""
    event = events.waiting(release, wait, ends_on)
    if event is None:
        return
    eventbridge.publish(event)
    count("Waits", service=release.service)
    decided(
        "waits",
        release.execution,
        release.service,
        wait=wait,
        waits_for=event.waits,
        ends_on=event.ends_on,
    )


def resumed(release: Release) -> None:
    eventbridge.publish(events.resumed(release))
    decided("resumed", release.execution, release.service)


def signalled(execution: str, service: str, signal: Signal) -> None:
    """It was accepted."""
    facts = {"signal": signal.kind, "by": signal.by, "reason": signal.reason}
    decided("signalled", execution, service, **facts)


def doubted(lease: Lease, signal: Signal, service: str, *, is_first: bool) -> None:
    """The stack itself asks for a revert: an alarm, the judge, the sweep. Of several that ask for
    the same one the first is counted. A release that a former version of this stack began does not
    say its service beside its alarms."""
    if is_first and service:
        is_doubted(service)
    decided("doubted", lease.holder, service, by=signal.by, reason=signal.reason)


def is_doubted(service: str) -> None:
    count("Doubts", service=service)


def promoting(release: Release) -> None:
    eventbridge.publish(events.promoting(release))
    decided("promoting", release.execution, release.service)


def returned(release: Release, before: Lease, doubted_at: int | None = None) -> None:
    """All weight was read back at the primary. `before` is the lease as it was, and `doubted_at`
    says when the reason came up, in epoch seconds, where it does not."""
    has_weight(release, 0)
    if not before.weight:
        return
    seconds = None
    if not before.touched or before.restored:
        now = clock.epoch_seconds()
        since = doubted_at or before.doubted_at or now
        seconds = max(0, now - since)
        count("ReturnSeconds", seconds, service=release.service)
    facts = {"was": before.weight, "seconds": seconds}
    decided("returned", release.execution, release.service, **facts)


def ended(release: Release, outcome: Outcome, cause: str) -> None:
    eventbridge.publish(events.ended(release, outcome, cause))
    seconds = _seconds(release)
    if outcome in ENDS:
        count(outcome, service=release.service)
        if seconds is not None:
            count("ReleaseSeconds", seconds, service=release.service)
    decided(
        "ended",
        release.execution,
        release.service,
        outcome=outcome,
        cause=cause,
        seconds=seconds,
        by=release.by,
    )


def _seconds(release: Release) -> int | None:
    """How long it took; None where nobody knows."""
    with suppress(AwsRefused, AwsUnavailable):
        record = ledger.find(release)
        return None if record is None else record.updated_at - record.started_at
    return None


def toll_counted(release: Release) -> None:
    """Its report can be whole from now on."""
    eventbridge.publish(events.counted(release))


def reported(event: ReleaseEvent, *, again: bool) -> None:
    """The report of a release is in the bucket, or could not be written. One that is written again
    has the same link, which nobody is told twice."""
    if not again:
        eventbridge.publish(event)
    facts = {"report": event.report, "cause": event.cause}
    decided("reported", event.execution, event.service, **facts)


def retired(release: Release, why: str) -> None:
    """By the sweep, after the release was over."""
    eventbridge.publish(events.retired(release, why))
    decided("retired", release.execution, release.service, cause=why)


def shifted_by_hand(release: Release, weight: int, did: str) -> None:
    eventbridge.publish(events.shifted_by_hand(release, weight, did))
    has_weight(release, weight)
    decided(
        "shifted by hand", release.execution, release.service, weight=weight, by=release.by, did=did
    )


def counted(release: Release, at: int, counts: dict[str, tuple[int, int, int, int]]) -> None:
    """What the judge has counted in the minute that begins `at`, in epoch seconds. The canary's
    requests and failures are those of one metric alone, of the router's errors where it counts
    them: periods of several lengths would count them twice."""
    assert release.judge is not None
    kinds = {metric.named: metric.kind for metric in release.judge.metrics}
    for metric, (n_c, x_c, n_p, x_p) in counts.items():
        share = "SlowShare" if kinds[metric] == "latency" else "ErrorShare"
        for side, requests, bad in (("canary", n_c, x_c), ("primary", n_p, x_p)):
            if requests:
                of_side = {"service": release.service, "side": side}
                publish_together({share: 100 * bad / requests}, at=at, **of_side)
    lead = _lead(release.judge)
    if lead.named in counts and lead.kind != "latency":
        requests, failures, *_ = counts[lead.named]
        values = {"CanaryRequests": requests, "CanaryFailures": failures}
        publish_together(values, service=release.service, at=at)


def counted_by_log(release: Release, at: int, found: "LogCounts") -> None:
    """What a batch has added, whose last line was written `at`, in epoch seconds. Where CloudWatch
    counts the answers too, its shares are of whole minutes, and those of a few lines each would
    hide them."""
    assert release.judge is not None
    lead = _lead(release.judge)
    sides = found.sides(lead.named)
    # Lines that cannot be read are no requests.
    if lead.log is not None and any(sides):
        counted(release, at, {lead.named: sides})


def _lead(judging: Judging) -> Metric:
    """Whose requests are told of."""
    return min(judging.metrics, key=lambda metric: RANKS[metric.kind])
