"""Subscriptions: the filters that bring a canary's log to CountRequests, and take it no more.

A log group has two places for them. One of ours whose release is over is in nobody's way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stepcanary.aws import logs
from stepcanary.aws.logs import MOST_FILTERS, SUBSCRIBED, SubscriptionFilter
from stepcanary.domain.comparison import Bake
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.permitted import check_tags
from stepcanary.domain.release import Release
from stepcanary.domain.verdict import NO_HOLD, Verdict
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    DocumentUnreadable,
    LeaseLost,
    RequestRejected,
)
from stepcanary.observability import logger
from stepcanary.store import leases, ledger, register, settings
from stepcanary.store.register import Entry
from stepcanary.store.table import execution_name

KIND = "filter"
OURS = "stepcanary"


def name_of(execution: str, metric: str) -> str:
    """Of a filter; neither an execution's name nor a metric's has a slash."""
    return f"{OURS}/{execution_name(execution)}/{metric}"


def execution_in(name: str) -> str | None:
    """The name of the execution that put up the filter; None where it is not one of ours."""
    parts = name.split("/")
    return parts[1] if len(parts) == 3 and parts[0] == OURS else None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The metrics that one filter brings lines for, and what is read of these for each."""

    name: str
    group: str
    pattern: str
    metrics: list[Metric]

    @property
    def sources(self) -> dict[str, LogSource]:
        return {metric.named: metric.log for metric in self.metrics if metric.log is not None}

    def to(self, destination: str) -> SubscriptionFilter:
        return SubscriptionFilter(self.group, self.name, self.pattern, destination)


def wanted(execution: str, judging: Judging | None) -> list[Subscribed]:
    """One filter for all metrics of the same lines."""
    found: dict[tuple[str, str], list[Metric]] = {}
    for metric in judging.logged if judging else ():
        assert metric.log is not None
        found.setdefault((metric.log.group, metric.log.filter), []).append(metric)
    return [
        Subscribed(name_of(execution, metrics[0].named), group, pattern, metrics)
        for (group, pattern), metrics in found.items()
    ]


@dataclass(frozen=True, slots=True)
class Canary:
    """The ECS service that a filter is put up for, by names or ARNs."""

    cluster: str
    service: str

    def is_of(self, release: Release) -> bool:
        own = [self.cluster, self.service]
        theirs = [release.cluster, release.canary.service]
        return [_short(each) for each in own] == [_short(each) for each in theirs]


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def check(execution: str, canary: Canary, judging: Judging | None) -> None:
    """Raises `RequestRejected` where the filters of a release of this canary could not be put up,
    `AwsUnavailable` and `AwsRefused`."""
    filters = wanted(execution, judging)
    if not filters:
        return
    counter = settings.of_stack().counter
    if not counter:
        raise RequestRejected(
            "judge: the stack has no function that counts lines of logs; update the stack"
        )
    for group in dict.fromkeys(each.group for each in filters):
        _check_group(group, [each for each in filters if each.group == group], canary, counter)


def _check_group(group: str, filters: list[Subscribed], canary: Canary, counter: str) -> None:
    found = logs.find_group(group)
    if found is None:
        raise RequestRejected(
            f"judge: there is no log group {group} in this account and Region; mend log.group"
        )
    if found.kind != SUBSCRIBED:
        raise RequestRejected(
            f"judge: the log group {group} is of the class {found.kind}, which takes no"
            f" subscription filter; name one of the class {SUBSCRIBED}"
        )
    check_tags("judge", f"log group {group}", found.tags)
    for each in filters:
        if why := logs.why_no_pattern(each.pattern):
            raise RequestRejected(
                f"judge: CloudWatch Logs does not take log.filter of {each.metrics[0].named}; mend"
                f" it. {why}"
            )
    there = logs.filters_of(group)
    names = {each.name for each in filters}
    if theirs := [each for each in there if each.name in names and each.destination != counter]:
        raise RequestRejected(
            f"judge: the log group {group} has a subscription filter {theirs[0].name} already, of"
            " another stack that releases under the same execution name; start this release under"
            " another name, or name another group"
        )
    taken = [found.name for found in there if not _makes_room(found, canary, counter)]
    if len(taken) + len(filters) > MOST_FILTERS:
        raise RequestRejected(
            f"judge: the log group {group} has {len(taken)} subscription filters"
            f" ({', '.join(taken)}) and would need {len(filters)} more, over the {MOST_FILTERS}"
            " that CloudWatch Logs allows; remove one, or name another group"
        )


def _makes_room(found: SubscriptionFilter, canary: Canary, counter: str) -> bool:
    """Whether it is gone by the time that this release puts up its own: it is of a release that is
    over, or of the one before this on the same canary."""
    if not _is_own(found, counter):
        return False
    release = _release_of(found)
    return release is None or canary.is_of(release)


def _is_own(found: SubscriptionFilter, counter: str) -> bool:
    """Whether this stack has put it up."""
    return execution_in(found.name) is not None and found.destination == counter


def _release_of(found: SubscriptionFilter) -> Release | None:
    """The release that runs with this filter; None where it is over."""
    try:
        release = ledger.release_of(execution_in(found.name) or "")
    except DocumentUnreadable:
        return None
    return release if leases.read(release.split).holder == release.execution else None


def put_up(release: Release, fence: int) -> None:
    """Before the canary has weight. Raises `LeaseLost` where the release has ended meanwhile: then
    nothing of it is left."""
    filters = wanted(release.execution, release.judge)
    counter = settings.of_stack().counter if filters else ""
    for each in filters:
        entry = Entry(KIND, each.name, {"group": each.group})
        register.write(release.execution, entry)
        _make_room(release, each.group, counter)
        logs.put_filter(each.to(counter))
        try:
            leases.check(release, fence)
        except LeaseLost:
            take_down(release, entry)
            register.remove(release.execution, entry, release.service)
            raise


def _make_room(release: Release, group: str, counter: str) -> None:
    """Remove what releases that are over have left."""
    for found in logs.filters_of(group):
        is_this = execution_in(found.name) == execution_name(release.execution)
        if not is_this and _is_own(found, counter) and _release_of(found) is None:
            logs.delete_filter(group, found.name)


@dataclass(frozen=True, slots=True)
class RemovedFilter:
    """A filter that was gone, and what is known of it."""

    metrics: list[Metric]
    why: str


def mend(release: Release, fence: int) -> list[RemovedFilter]:
    """Put up again what somebody has removed or changed; what was lost, though it is up again.

    Raises `LeaseLost` where the release has ended meanwhile: then nothing of it is left.
    """
    return list(_mended(release, fence))


def _mended(release: Release, fence: int) -> Iterator[RemovedFilter]:
    filters = wanted(release.execution, release.judge)
    counter = settings.of_stack().counter if filters else ""
    for each in filters:
        named = f"the subscription filter {each.name} of the log group {each.group}"
        try:
            filter_ = each.to(counter)
            if filter_ in logs.filters_of(each.group):
                continue
            logs.put_filter(filter_)
        except (AwsRefused, AwsUnavailable) as error:
            yield RemovedFilter(each.metrics, f"{named} is not seen to be up. {error}")
            continue
        try:
            leases.check(release, fence)
        except LeaseLost:
            logs.delete_filter(each.group, each.name)
            raise
        logger.warning("a subscription filter was put up again", extra={"filter": each.name})
        yield RemovedFilter(each.metrics, f"{named} was gone, and is up again")


NO_FILTER = "Find out who removes it, or say in no_data what silence means"


def verdict(release: Release, fence: int, bake: Bake, found: Verdict, *, promoted: bool) -> Verdict:
    """On a bake that is over: a filter that was gone has brought not all that it counted, so it is
    baked again. A person's promote stands in for that, as for other data that is missing."""
    missed = uncounted(release, fence)
    if found.decision != "advance" or promoted or missed is None:
        return found
    reason = f"not all of the canary's log was counted: {missed}"
    return bake.held(reason, Verdict("revert", f"{reason}{NO_HOLD}{NO_FILTER}"))


def uncounted(release: Release, fence: int) -> str | None:
    """Which filters that decide something were gone, and are mended; None where none was."""
    lost = mend(release, fence)
    if release.judge is None or release.judge.observe:
        return None
    return "; ".join(each.why for each in lost if any(map(_decides, each.metrics))) or None


def _decides(metric: Metric) -> bool:
    return not metric.observe and metric.no_data != "advance"


def take_down(_release: Release, entry: Entry) -> None:
    """Nothing where it is gone."""
    logs.delete_filter(entry.before["group"], entry.key)
