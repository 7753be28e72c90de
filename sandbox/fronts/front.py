"""Front: what every router's file in here does.

A front makes its part of the environment in moto, says what Envoy is to do about it, and where
CloudWatch would keep its metrics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]
SIDES = {"example1": 2, "example2": 0}
"""Tasks of primary and canary at rest."""
OPTED_IN = {"stepcanary": "managed"}
"""The tag with which a service's people let the stack change what they own."""

CLUSTER = "example"
"""The ECS cluster in which they are."""

ClientOf = Callable[[str], Any]
"""Makes the boto3 client of a named AWS service."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Envoy sends the requests of one target."""

    endpoints: list[tuple[str, int]]
    http2: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All that Envoy is to do: clusters by name, and routes in the order in which they match."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    routes: list[Json] = field(default_factory=list)
    tcp: Json | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """How an ECS service hangs on the front: arguments of CreateService, its first task count, and
    what its container's environment has to say."""

    service: Json
    desired: int
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Where CloudWatch keeps what was counted for one cluster, and under which names.

    Nobody counts refused connections where `refused` is empty. Response times, `times`, are in
    seconds unless they are `in_ms`.
    """

    namespace: str
    dimensions: dict[str, str]
    requests: str
    errors: str
    times: str
    refused: str = ""
    in_ms: bool = True


class Entry(Protocol):
    """One Envoy's work."""

    def plan(self) -> Plan: ...


class Counted(Entry, Protocol):
    """An Envoy's work whose requests CloudWatch counts."""

    def series(self, cluster: str) -> Series: ...

    def tracked(self, cluster: str) -> Json | None:
        """The metric of a target tracking policy that keeps an ECS service's requests per task:
        what AWS has predefined, or one that somebody has to publish; None where nobody does."""


class Front(Counted, Protocol):
    """`traffic` is the profile's entry; it is there once the front was created."""

    @property
    def traffic(self) -> Json: ...

    def entries(self) -> Sequence[Entry]:
        """The front itself, and whoever else needs an Envoy; the last one serves the split."""

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        """Make everything, with one port for each entry; the answer is by ECS service."""

    def tracked(self, cluster: str) -> Json: ...


def requests_per_task(service: str) -> Json:
    """A customized metric: AWS has none of requests per task for a mesh or for Lattice."""
    place = {"ClusterName": CLUSTER, "ServiceName": service}
    return {
        "CustomizedMetricSpecification": {
            "Namespace": "Sandbox",
            "MetricName": "RequestCountPerTask",
            "Dimensions": [{"Name": name, "Value": value} for name, value in place.items()],
            "Statistic": "Sum",
        }
    }
