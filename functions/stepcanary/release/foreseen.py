"""Foreseen: what a release would meet, by the metrics of the days before it."""

from stepcanary import clock
from stepcanary.aws import ecs, metrics
from stepcanary.domain import preview
from stepcanary.domain.alarms import Described
from stepcanary.domain.deployment import Service
from stepcanary.domain.exposure import Assumed, Outages, Pace
from stepcanary.domain.judging import Judging
from stepcanary.domain.periods import MINUTE, final_seconds
from stepcanary.domain.preview import Source
from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.release import Release
from stepcanary.domain.request import ActionRequest
from stepcanary.domain.router_metrics import errors_of
from stepcanary.release.comparing import SIDES
from stepcanary.release.plan import build_release

LOOK_SECONDS, SHORT_LOOK_SECONDS = 60, 30
"""Within which the watch looks at every release, and at those whose periods are shorter than a
minute; at those that have just begun to bake it looks sooner."""


def sketch(execution: str, service: str, profile: Profile) -> Release:
    """What any release of the service would be like, without a version. Raises `RequestRejected`
    where a service is not there."""
    primary = ecs.require_service(profile.cluster, profile.primary, "primary")
    canary = ecs.require_service(profile.cluster, profile.canary, "canary")
    return drawn(execution, service, profile, (primary, canary), profile.traffic)


def drawn(
    execution: str,
    service: str,
    profile: Profile,
    services: tuple[Service, Service],
    routes: list[Traffic],
) -> Release:
    """The sketch of services and routes that were read."""
    request = ActionRequest(service=service, action="status")
    return build_release(execution, request, profile, services, routes, by="")


def assumed(release: Release) -> Assumed | None:
    """The traffic of the busiest minute that the release may meet again, of both sides.

    Raises `AwsUnavailable` and `AwsRefused`.
    """
    mesh = (release.judge or Judging()).mesh
    measures = [errors_of(release.traffic, side, mesh) for side in SIDES]
    requests = [one for each in measures for one in each.requests]
    bad = [one for each in measures for one in each.bad]
    length, _ = preview.lengths(release)
    answered: dict[int, float] = {}
    failed: dict[int, float] = {}
    for start, end in preview.windows(clock.epoch_seconds(), length):
        found = metrics.read([*requests, *bad], start, end, MINUTE)
        # Windows of a long release share minutes.
        answered |= metrics.summed(found[: len(requests)])
        failed |= metrics.summed(found[len(requests) :])
    return preview.assumed(answered, failed)


def outages(release: Release, traffic: Assumed, sources: list[Source]) -> Outages:
    alarms = [each.seconds for each in sources if each.source.startswith("alarm ")]
    period = _errors_period(release)
    pace = Pace(
        final=final_seconds(period),
        look=_look_seconds(period),
        settle=release.settle_seconds,
        alarm=min(alarms, default=None),
        period=period,
    )
    return Outages(release.steps, release.judge, traffic, pace, release.holds)


def sources(release: Release, alarms: Described, traffic: Assumed | None = None) -> list[Source]:
    """What sees an outage of the release, and within how long."""
    logs = preview.logged(release, outages(release, traffic, []) if traffic else None)
    return preview.sources(alarms, release.alarms, judged(release), logs)


def _look_seconds(period: int) -> int:
    return LOOK_SECONDS if period >= MINUTE else SHORT_LOOK_SECONDS


def _errors_period(release: Release) -> int:
    """How long the shortest periods of errors are, which an outage is sure to be seen in."""
    metrics_of = release.judge.metrics if release.judge else ()
    periods = [each.period for each in metrics_of if each.kind == "errors" and not each.observe]
    return min(periods, default=MINUTE)


def judged(release: Release) -> list[Source]:
    """How long after its first bad answer the judge has seen an outage of which one period is
    enough, and where that is sooner, one in a metric of its own; none where no metric of CloudWatch
    decides."""
    if release.judge is None or release.judge.observe or not release.judge.counted:
        return []
    slowest = _errors_period(release)
    found = [Source(source="judge", seconds=_seconds(slowest))]
    for metric in release.judge.metrics:
        if metric.period < slowest and metric.kind == "custom" and not metric.observe:
            source = f"judge by {metric.named}"
            found.append(Source(source=source, seconds=_seconds(metric.period)))
    return found


def _seconds(period: int) -> int:
    # It begins within a period that proves nothing yet.
    return 2 * period + final_seconds(period) + _look_seconds(period)
