"""The evaluation of metric alarms in CloudWatch: M of N periods, and periods without data."""

from collections.abc import Callable, Sequence

from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dimension, MetricDataQuery

from emulator.metric_math import evaluated, names
from emulator.moto_gaps.cloudwatch import fail_evaluation
from emulator.moto_gaps.metric_data import key_of, moment_of, samples_of
from emulator.statistic import Samples, statistic

# CloudWatch looks further back than the evaluation periods; its examples show two more.
EXTRA_PERIODS = 2

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def evaluate_alarms(
    backend: CloudWatchBackend, now: float, seconds_per_period: float | None = None
) -> None:
    """AWS: evaluates each metric alarm in each period. moto: changes none by itself.

    `seconds_per_period` is how long each alarm's period lasts, if not what the alarm says.
    """
    for alarm in list(backend.alarms.values()):
        if alarm.rule is not None or not (alarm.metric_data_queries or alarm.metric_name):
            continue
        if getattr(alarm, "evaluation_state", None):
            # It cannot be evaluated, and keeps the state that it had.
            continue
        before = alarm.state_value
        try:
            points = datapoints(backend, alarm, now, seconds_per_period)
        except (NotImplementedError, SyntaxError, ValueError) as error:
            fail_evaluation(backend, alarm.name, "EVALUATION_ERROR", str(error))
            continue
        state = evaluate(
            points,
            comparison=alarm.comparison_operator,
            threshold=float(alarm.threshold),
            evaluation_periods=int(alarm.evaluation_periods),
            datapoints_to_alarm=alarm.datapoints_to_alarm,
            treat_missing_data=alarm.treat_missing_data or "missing",
            current=before,
        )
        if state == before:
            continue
        recent = [point for point in points if point is not None][-3:]
        reason = (
            f"Threshold crossed: the most recent datapoints {recent} were evaluated against"
            f" the threshold ({alarm.threshold}, {alarm.comparison_operator})."
            if recent
            else "No datapoints were received."
        )
        backend.set_alarm_state(alarm.name, reason, "{}", state)


def datapoints(
    backend: CloudWatchBackend, alarm: Alarm, now: float, seconds_per_period: float | None
) -> list[float | None]:
    """What an alarm's periods have been, oldest first; None is a period without data.

    Raises `NotImplementedError` for metric math that nobody knows here, and `ValueError` for a
    statistic that is none.
    """
    count = int(alarm.evaluation_periods) + EXTRA_PERIODS
    if alarm.metric_data_queries:
        return _of_queries(backend, alarm, count, now, seconds_per_period)
    length = seconds_per_period or float(alarm.period)
    made = str(alarm.statistic or alarm.extended_statistic)
    metric = (alarm.namespace, alarm.metric_name, alarm.dimensions, made)
    return _of_metric(backend, *metric, count=count, now=now, length=length)


def _of_queries(
    backend: CloudWatchBackend,
    alarm: Alarm,
    count: int,
    now: float,
    seconds_per_period: float | None,
) -> list[float | None]:
    found: dict[str, list[float | None]] = {}
    lengths = {float(q.metric_stat.period) for q in alarm.metric_data_queries if q.metric_stat}
    if len(lengths) != 1:
        raise NotImplementedError("metric math over periods of different lengths")
    length = seconds_per_period or lengths.pop()
    for query in alarm.metric_data_queries:
        if stat := query.metric_stat:
            metric = (stat.metric.namespace, stat.metric.metric_name, stat.metric.dimensions)
            found[query.id] = _of_metric(
                backend, *metric, stat.stat, count=count, now=now, length=length
            )
    waiting = [query for query in alarm.metric_data_queries if query.expression]
    while waiting:
        # An expression may be made of others.
        ready = [q for q in waiting if not any(names(str(q.expression)) & {o.id} for o in waiting)]
        for query in ready or waiting[:1]:
            found[query.id] = evaluated(str(query.expression), found, count)
            waiting.remove(query)
    (answer,) = [q.id for q in alarm.metric_data_queries if _is_returned(q)]
    return found[answer]


def _is_returned(query: MetricDataQuery) -> bool:
    return str(query.return_data).lower() != "false"


def _of_metric(
    backend: CloudWatchBackend,
    namespace: str,
    name: str,
    dimensions: Sequence[Dimension],
    made: str,
    *,
    count: int,
    now: float,
    length: float,
) -> list[float | None]:
    # The period that is still running is left out: its sum only grows.
    end = now // length * length
    start = end - count * length
    buckets: list[list[Samples]] = [[] for _ in range(count)]
    wanted, of = key_of(namespace, name, dimensions), statistic(made)
    for datum in reversed(backend.metric_data):
        moment = moment_of(datum)
        if moment < start - 60:
            break
        if (datum.namespace, datum.name) != (namespace, name):
            continue
        if key_of(namespace, name, datum.dimensions) != wanted:
            continue
        # A float timestamp loses a little; the datum at a boundary belongs to what follows.
        index = int((moment - start + 1e-3) // length)
        if 0 <= index < count:
            buckets[index].append(samples_of(datum))
    return [of(Samples.together(every)) if every else None for every in buckets]


def evaluate(
    points: Sequence[float | None],
    *,
    comparison: str,
    threshold: float,
    evaluation_periods: int,
    datapoints_to_alarm: int | None = None,
    treat_missing_data: str = "missing",
    current: str = "INSUFFICIENT_DATA",
) -> str:
    """The state of an alarm after these periods, oldest first; None is a period without data."""
    needed = datapoints_to_alarm or evaluation_periods
    breaches = COMPARISONS[comparison]
    window = list(points)[-(evaluation_periods + EXTRA_PERIODS) :]
    existing = [point for point in window if point is not None][-evaluation_periods:]
    breaching = sum(breaches(point, threshold) for point in existing)
    filled = evaluation_periods - len(existing)
    if breaching >= needed:
        return "ALARM"
    if filled == 0 or treat_missing_data == "notBreaching":
        return "OK"
    if treat_missing_data == "breaching":
        return "ALARM" if breaching + filled >= needed else "OK"
    if breaching < len(existing):
        return "OK"
    if treat_missing_data == "ignore":
        return current
    if not existing:
        return "INSUFFICIENT_DATA"
    # Only breaching points, too few of them: alarm once the oldest is as old as M periods.
    oldest = next(index for index, point in enumerate(window) if point is not None)
    return "ALARM" if len(window) - oldest >= needed else current
