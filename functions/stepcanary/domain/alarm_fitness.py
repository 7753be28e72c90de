"""Alarm fitness: whether an alarm can judge a canary at all, by its settings and its state."""

import re
from collections.abc import Iterator
from typing import Any

from stepcanary.domain.alarms import Described, leaves_of, made_of, seen
from stepcanary.domain.model import Document
from stepcanary.domain.profile import Step
from stepcanary.errors import RequestRejected

NAMES_IN_A_WARNING = 3
_RATE = re.compile(r"rate\(\s*(?P<count>\d+)\s+(?P<unit>minute|hour|day)s?\s*\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


def check_exist(names: list[str], described: Described) -> None:
    """Raises `RequestRejected` for an alarm that there is not."""
    for name in names:
        if name not in described:
            raise RequestRejected(f"alarms: there is no CloudWatch alarm {name}; create it")


def check_fit(names: list[str], described: Described) -> None:
    """Raises `RequestRejected` for an alarm whose OK would say nothing about the canary."""
    check_exist(names, described)
    for name in names:
        alarm = seen(name, described)
        assert alarm is not None
        if alarm.fired:
            raise RequestRejected(
                f"alarms: {name} is in ALARM already, so it cannot judge a canary; clear it first"
                f" ({alarm.reason})"
            )
        if alarm.blind and _needs_mending(name, described):
            raise RequestRejected(
                f"alarms: {name} cannot see, so it cannot judge a canary; mend it first"
                f" ({alarm.blind})"
            )
        for leaf, settings in leaves_of(name, described):
            _check_silence(_named(name, leaf), settings)


def _needs_mending(name: str, described: Described) -> bool:
    """Whether time does not give the alarm its sight. Other evaluations that fail are CloudWatch's,
    and may be over when the first bake is; see
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html"""
    return any(
        each not in described or described[each].get("EvaluationState") == "EVALUATION_ERROR"
        for each in made_of(name, described)
    )


def _check_silence(name: str, settings: Document) -> None:
    if settings.get("TreatMissingData") == "ignore":
        raise RequestRejected(
            f"alarms: {name} keeps its state while it has no data, so its OK may be an old one; set"
            " TreatMissingData to missing, or to notBreaching where silence is healthy"
        )
    if settings.get("EvaluateLowSampleCountPercentile") == "ignore":
        raise RequestRejected(
            f"alarms: {name} keeps its state while it has few samples, so its OK may be an old one;"
            " set EvaluateLowSampleCountPercentile to evaluate"
        )


def warnings(names: list[str], described: Described, steps: list[Step]) -> list[str]:
    """What the alarms cannot be relied upon for, in sentences: the same for the same settings.

    Whatever depends on their state is left out: the plan is made twice, and compared.
    """
    leaves = {
        _named(name, leaf): settings
        for name in names
        for leaf, settings in leaves_of(name, described)
    }
    return [*_silence_warning(leaves), *_age_warning(leaves), *_speed_warning(leaves, steps)]


def _silence_warning(leaves: Described) -> Iterator[str]:
    if leaves and all(_takes_silence_for_health(settings) for settings in leaves.values()):
        only = "the only alarm" if len(leaves) == 1 else "every alarm, as"
        yield (
            f"alarms: {only} {_list(list(leaves))} takes missing data for healthy, so a canary that"
            " gets no requests, or reports nothing, passes; add one that treats it as missing"
        )


def _age_warning(leaves: Described) -> Iterator[str]:
    old = [name for name, settings in leaves.items() if "AWS/DynamoDB" in _namespaces(settings)]
    if old:
        yield (
            f"alarms: {_list(old)} watches DynamoDB, whose alarms keep their state while they have"
            " no data, so its OK may be an old one"
        )


def _speed_warning(leaves: Described, steps: list[Step]) -> Iterator[str]:
    """The shortest bake has to last as long as the slowest alarm needs. Each has its own seconds,
    so that a person sees which of them do not go together."""
    needed = {name: seconds_to_fire(settings) for name, settings in leaves.items()}
    known = {name: seconds for name, seconds in needed.items() if seconds is not None}
    shortest = min((step.bake_seconds for step in steps), default=0)
    slow = sorted(
        (name for name in known if known[name] > shortest), key=lambda name: (-known[name], name)
    )
    if slow:
        bakes = [
            f"{step.weight} % ({step.bake_seconds} s)"
            for step in steps
            if step.bake_seconds < known[slow[0]]
        ]
        yield (
            f"alarms: {_list([f'{name} ({known[name]} s)' for name in slow])} may need bad data for"
            f" so long to fire, and bakes are shorter: {_list(bakes)}. No alarm can judge a bake"
            " that is over before it can fire; bake longer, or make the alarm faster"
        )


def seconds_to_fire(settings: Document) -> int | None:
    """How long the canary has to be bad before the alarm can say so; None where nobody can tell.

    A composite alarm has no time of its own: it is as slow as the alarms that it is made of.
    """
    if "ScheduledQueryConfiguration" in settings:
        query: Document = settings["ScheduledQueryConfiguration"]
        schedule = query.get("ScheduleConfiguration", {}).get("ScheduleExpression", "")
        rate = _RATE.fullmatch(schedule)
        if rate is None:
            return None
        every = int(rate["count"]) * _SECONDS[rate["unit"]]
        return every * int(settings.get("QueryResultsToAlarm", 1))
    if prom_ql := settings.get("EvaluationCriteria", {}).get("PromQLCriteria"):
        # Its datapoints are seconds: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-promql.html
        return int(settings.get("EvaluationInterval", 60)) + int(prom_ql.get("PendingPeriod", 0))
    periods = [settings.get("Period"), *(_period(each) for each in settings.get("Metrics", []))]
    longest = max((int(period) for period in periods if period), default=None)
    if longest is None:
        return None
    datapoints = settings.get("DatapointsToAlarm") or settings.get("EvaluationPeriods", 1)
    return longest * int(datapoints)


def _period(query: Document) -> Any:
    """Of a metric, or of the expression: those that it has nothing of are as long as the rest."""
    return query.get("MetricStat", {}).get("Period") or query.get("Period")


def _namespaces(settings: Document) -> list[str]:
    of_metrics = [
        each.get("MetricStat", {}).get("Metric", {}).get("Namespace", "")
        for each in settings.get("Metrics", [])
    ]
    return [settings.get("Namespace", ""), *of_metrics]


def _takes_silence_for_health(settings: Document) -> bool:
    """A PromQL query answers with what is bad, and with nothing where there is no data."""
    return settings.get("TreatMissingData") == "notBreaching" or "EvaluationCriteria" in settings


def _named(name: str, leaf: str) -> str:
    return name if leaf == name else f"{leaf}, of {name},"


def _list(names: list[str]) -> str:
    more = len(names) - NAMES_IN_A_WARNING
    listed = ", ".join(names[:NAMES_IN_A_WARNING])
    return f"{listed} and {more} more" if more > 0 else listed
