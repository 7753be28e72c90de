"""Measures: which metrics of CloudWatch count a side's requests, and its bad answers."""

from typing import NamedTuple

from pydantic import Field

from stepcanary.domain.model import Model

BY_THE_MINUTE = {"AWS/ApplicationELB", "AWS/VpcLattice"}
"""Namespaces in which there is one count for each minute, and of a target group for each zone."""


class Series(Model):
    """A metric of CloudWatch, and how one number comes of its data in a period."""

    namespace: str = Field(min_length=1, max_length=255)
    """The namespace of the metric."""
    metric: str = Field(min_length=1, max_length=255)
    """The name of the metric."""
    dimensions: dict[str, str] = Field(default={}, max_length=30)
    """The names and values under which CloudWatch keeps it."""
    statistic: str = Field(default="Sum", min_length=1, max_length=80)
    """What is made of its data in a period: `Sum`, `SampleCount`, `TC(0.4:)` and so on."""


class Measure(Model):
    """What is summed for the requests of a side, and what for its bad answers. In a period with
    requests a series of bad answers without data is 0: the load balancers publish no zeros."""

    requests: list[Series] = Field(min_length=1)
    """What is summed for the requests."""
    bad: list[Series] = Field(min_length=1)
    """What is summed for the bad answers; each has to be one of the requests."""


class MeshSeries(NamedTuple):
    """Where the CloudWatch agent publishes what Envoy counts, and what its names begin with."""

    namespace: str
    prefix: str
