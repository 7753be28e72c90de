"""Balanced: the fronts that are a listener's rule over two target groups."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sandbox.fronts.front import Entry, Json, Plan


class Balanced(ABC):
    """`_groups` is the target group of each ECS service, as the profile names it."""

    def __init__(self) -> None:
        self._groups: dict[str, str] = {}

    @property
    def traffic(self) -> Json:
        return {
            **self._place(),
            "primary_target_group": self._groups["example1"],
            "canary_target_group": self._groups["example2"],
            # The sandbox's one Envoy follows at once.
            "settle_seconds": 1,
            "drain_seconds": 1,
        }

    @abstractmethod
    def _place(self) -> Json:
        """The router and its rule, as the profile names them."""

    def entries(self) -> Sequence[Entry]:
        return [self]

    @abstractmethod
    def plan(self) -> Plan: ...
