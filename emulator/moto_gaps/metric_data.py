"""CloudWatch: what metrics have counted, with extended statistics, late and revised."""

import math
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import (
    CloudWatchBackend,
    Dimension,
    MetricAggregatedDatum,
    MetricDatum,
    MetricDatumBase,
)
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from emulator.metric_math import evaluated, names
from emulator.statistic import Samples, Statistic, statistic

MOST_QUERIES = 500
MOST_POINTS = 100_800
SHORT_PERIODS = (1, 5, 10, 20, 30)
SHORT_KEPT_SECONDS = 10_800
"""AWS keeps what is shorter than a minute for three hours."""
MINUTE = 60
QUERY_ID = re.compile(r"[a-z]\w*", re.ASCII)

Json = dict[str, Any]
Key = tuple[str, str, frozenset[tuple[str, str]]]
"""A metric: its namespace, its name and its dimensions."""
Points = dict[int, float]
"""By the second at which a period begins."""


@dataclass(frozen=True, slots=True)
class Publication:
    """When what was put can be read: `after` so many seconds, and one sample in `late_one_in` of a
    datum with many only when it was `revised`, so many seconds after it was put. What has one of
    the values of `lagging` in a dimension comes so many seconds later."""

    after: float = 0.0
    revised: float = 0.0
    late_one_in: int = 10
    lagging: Mapping[str, float] = field(default_factory=dict)

    def lag(self, key: Key) -> float:
        return max((self.lagging.get(value, 0.0) for _, value in key[2]), default=0.0)

    def readable(self, samples: Samples, age: float) -> Samples | None:
        """What of a datum can be read at its age; None is nothing yet."""
        if age < self.after:
            return None
        if age >= self.revised or samples.counts is None:
            return samples
        counts, before = {}, 0
        for value, count in sorted(samples.counts.items()):
            late = (before + count) // self.late_one_in - before // self.late_one_in
            if count > late:
                counts[value] = count - late
            before += count
        return Samples.of(counts) if counts else None


class Distribution(MetricAggregatedDatum):
    """Many samples that were put as one datum: moto would keep each as a datum of its own."""

    def __init__(self, namespace: str, given: Json) -> None:
        counts: dict[float, int] = defaultdict(int)
        for value, count in zip(
            given["Values"], given.get("Counts") or [1] * len(given["Values"]), strict=True
        ):
            counts[float(value)] += round(float(count))
        self.samples = Samples.of(counts)
        super().__init__(
            namespace,
            given["MetricName"],
            self.samples.least,
            self.samples.most,
            self.samples.number,
            self.samples.total,
            given.get("Dimensions", []),
            given.get("Timestamp"),
            given.get("Unit"),
        )


def samples_of(datum: MetricDatumBase) -> Samples:
    if isinstance(datum, Distribution):
        return datum.samples
    if isinstance(datum, MetricAggregatedDatum):
        # Where all are alike, the sums say what each one was.
        alike = {datum.min: round(datum.sample_count)} if datum.min == datum.max else None
        return Samples(datum.sample_count, datum.sum, datum.min, datum.max, alike)
    assert isinstance(datum, MetricDatum)
    return Samples.of({datum.value: 1})


def moment_of(datum: MetricDatumBase) -> float:
    """What a datum is of, in epoch seconds."""
    stamp = datum.timestamp
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def key_of(namespace: str, name: str, dimensions: Iterable[Dimension]) -> Key:
    return namespace, name, frozenset((str(each.name), str(each.value)) for each in dimensions)


@contextmanager
def filled(publication: Publication | None = None) -> Iterator[None]:
    published = publication or Publication()
    put = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[Json]) -> None:
        """AWS: keeps how often each value came, by the minute where nothing else is said, and shows
        it later. moto: keeps each sample with its moment, and shows it at once."""
        for number, given in enumerate(metric_data, 1):
            self._validate_parameters_put_metric_data(given, number)
        for given in metric_data:
            first = len(self.metric_data)
            if given.get("Values"):
                self.metric_data.append(Distribution(namespace, given))
            else:
                put(self, namespace, [given])
            for datum in self.metric_data[first:]:
                datum.put_at = time.time()  # type: ignore[attr-defined]
                datum.resolution = int(  # type: ignore[attr-defined]
                    given.get("StorageResolution") or MINUTE
                )

    def get_metric_data(self: CloudWatchResponse) -> ActionResult:
        """AWS: has extended statistics, and periods that begin at their multiples. moto: has
        neither, and starts its periods wherever a question does."""
        asked = _Question.of(self._get_params())
        return ActionResult({"MetricDataResults": asked.answer(self.cloudwatch_backend, published)})

    with (
        patch.object(CloudWatchBackend, "put_metric_data", put_metric_data),
        patch.object(CloudWatchResponse, "get_metric_data", get_metric_data),
    ):
        yield


@dataclass(frozen=True, slots=True)
class _Metric:
    """One metric of a question, and what is made of it."""

    key: Key
    period: int
    statistic: Statistic
    unit: str | None

    @classmethod
    def of(cls, stat: Json) -> "_Metric":
        metric, period = stat["Metric"], int(stat["Period"])
        if period not in SHORT_PERIODS and (period < 1 or period % 60):
            raise ValidationError(f"Period {period} is none of 1, 5, 10, 20, 30, nor whole minutes")
        try:
            made = statistic(stat["Stat"])
        except ValueError as error:
            raise ValidationError(f"The parameter Stat is not valid: {error}") from error
        dimensions = frozenset((d["Name"], d["Value"]) for d in metric.get("Dimensions", []))
        key = (metric["Namespace"], metric["MetricName"], dimensions)
        return cls(key, period, made, stat.get("Unit"))

    def points(
        self, data: Sequence[MetricDatumBase], asked: "_Question", published: Publication
    ) -> Points:
        found: dict[int, list[Samples]] = defaultdict(list)
        for datum in data:
            # A float timestamp loses a little; the datum at a boundary belongs to what follows.
            kept_by = getattr(datum, "resolution", MINUTE)
            at = math.floor((moment_of(datum) + 1e-3) / kept_by) * kept_by
            at = at // self.period * self.period
            is_asked = asked.start // self.period * self.period <= at < asked.end
            if not is_asked or self.unit not in (None, datum.unit):
                continue
            if self.period < MINUTE and asked.now - at > SHORT_KEPT_SECONDS:
                continue
            age = asked.now - getattr(datum, "put_at", -math.inf) - published.lag(self.key)
            if readable := published.readable(samples_of(datum), age):
                found[at].append(readable)
        values = ((at, self.statistic(Samples.together(every))) for at, every in found.items())
        return {at: float(value) for at, value in values if value is not None}


@dataclass(frozen=True, slots=True)
class _Question:
    """What a request asks, once it is known to be one that AWS would answer."""

    queries: list[Json]
    metrics: dict[str, _Metric]
    start: int
    end: float
    now: float
    newest_first: bool

    @classmethod
    def of(cls, parameters: Json) -> "_Question":
        queries = parameters.get("MetricDataQueries") or []
        if len(queries) > MOST_QUERIES:
            raise ValidationError(f"The collection MetricDataQueries has more than {MOST_QUERIES}")
        ids = [str(query["Id"]) for query in queries]
        if len(set(ids)) < len(ids) or not all(QUERY_ID.fullmatch(id) for id in ids):
            raise ValidationError("Each Id has to be another, and to begin with a small letter")
        if not all(bool(q.get("MetricStat")) != bool(q.get("Expression")) for q in queries):
            raise ValidationError("Each query needs either a MetricStat or an Expression")
        start, end = (_seconds(parameters[name]) for name in ("StartTime", "EndTime"))
        if start >= end:
            raise ValidationError("The parameter StartTime must be less than the EndTime")
        stats = {q["Id"]: _Metric.of(q["MetricStat"]) for q in queries if q.get("MetricStat")}
        newest_first = parameters.get("ScanBy") != "TimestampAscending"
        return cls(queries, stats, math.floor(start), end, time.time(), newest_first)

    def answer(self, backend: CloudWatchBackend, published: Publication) -> list[Json]:
        kept = self._kept(backend)
        found = {
            id: metric.points(kept.get(metric.key, []), self, published)
            for id, metric in self.metrics.items()
        }
        self._calculate(found)
        if sum(map(len, found.values())) > MOST_POINTS:
            raise NotImplementedError("an answer in pages")
        return [
            _result(query, found[query["Id"]], newest_first=self.newest_first)
            for query in self.queries
            if str(query.get("ReturnData", True)).lower() != "false"
        ]

    def _kept(self, backend: CloudWatchBackend) -> Mapping[Key, list[MetricDatumBase]]:
        wanted = {metric.key for metric in self.metrics.values()}
        named = {(namespace, name) for namespace, name, _ in wanted}
        kept: dict[Key, list[MetricDatumBase]] = defaultdict(list)
        for datum in backend.get_all_metrics():
            if (datum.namespace, datum.name) in named:
                key = key_of(datum.namespace, datum.name, datum.dimensions)
                kept[key].append(datum)
        return kept

    def _calculate(self, found: dict[str, Points]) -> None:
        """Add what expressions make of metrics, in the periods that any of these has."""
        waiting = {q["Id"]: str(q["Expression"]) for q in self.queries if q.get("Expression")}
        while waiting:
            ready = {id: text for id, text in waiting.items() if names(text) <= found.keys()}
            if not ready:
                raise ValidationError(f"An expression names no query: {', '.join(waiting)}")
            for id, text in ready.items():
                moments = sorted({at for name in names(text) for at in found[name]})
                series = {name: [found[name].get(at) for at in moments] for name in names(text)}
                try:
                    values = evaluated(text, series, len(moments))
                except NotImplementedError as error:
                    raise ValidationError(str(error)) from error
                pairs = zip(moments, values, strict=True)
                found[id] = {at: value for at, value in pairs if value is not None}
                del waiting[id]


def _result(query: Json, points: Points, *, newest_first: bool) -> Json:
    ordered = sorted(points.items(), reverse=newest_first)
    stat = query.get("MetricStat")
    label = f"{stat['Metric']['MetricName']} {stat['Stat']}" if stat else query["Id"]
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or label,
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in ordered],
        "Values": [value for _, value in ordered],
        "StatusCode": "Complete",
    }


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
