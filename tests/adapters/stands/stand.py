"""What the contract asks of a router's stand."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from pydantic import TypeAdapter

from stepcanary.aws import clients
from stepcanary.domain.profile import Traffic
from stepcanary.domain.split import SideName, Split
from tests.fakes.service import Document, Fake, serve


@dataclass(frozen=True)
class Route:
    """A route's actions, or spec, as somebody wrote them, and the split they mean.

    `traffic` is what its profile says otherwise than the stand's, `world` what the fake is.
    """

    document: Any
    split: Split
    traffic: dict[str, Any] = field(default_factory=dict)
    world: dict[str, Any] = field(default_factory=dict)


NO_SPLIT = Split(0, 0)


@dataclass(frozen=True)
class Unfit(Route):
    """A route on which no release can be begun; `problem` is a part of the plan's message."""

    split: Split = NO_SPLIT
    problem: str = ""


class Stand(ABC):
    """`services` are the names of the router's client factories; `primary` and `canary` are what
    the fake calls the two targets. `refused` and `unavailable` are errors of a write: code, status.
    """

    services: ClassVar[tuple[str, ...]]
    writes: ClassVar[tuple[str, ...]]
    routes: ClassVar[dict[str, Route]]
    unfit: ClassVar[dict[str, Unfit]]
    profile: ClassVar[dict[str, Any]]
    primary: ClassVar[str]
    canary: ClassVar[str]
    refused: ClassVar[tuple[tuple[str, int], ...]]
    unavailable: ClassVar[tuple[tuple[str, int], ...]]
    namespace: ClassVar[str]
    fake: Fake

    @classmethod
    def name(cls) -> str:
        return str(cls.profile["router"])

    def place(self, route: Route) -> Traffic:
        """Put the route there and return its traffic, as a profile has it."""
        for name, value in route.world.items():
            setattr(self.fake, name, value)
        written = {k: v for k, v in {**self.profile, **route.traffic}.items() if v is not None}
        traffic: Traffic = TypeAdapter(Traffic).validate_python(written)
        self.put(traffic, route.document)
        return traffic

    @abstractmethod
    def put(self, traffic: Traffic, document: Any) -> None: ...

    @abstractmethod
    def remove(self) -> None:
        """Let there be no route."""

    @abstractmethod
    def described(self, traffic: Traffic) -> Document:
        """All of the route as AWS answers it, but for versions and times."""

    @abstractmethod
    def weights(self, traffic: Traffic) -> dict[str, int]:
        """Of every target that the route has."""

    @abstractmethod
    def without_pair(self, described: Document) -> Document:
        """What has to stay when the pair's weights change."""

    @abstractmethod
    def write_foreign(self, traffic: Traffic, primary: int, canary: int) -> None:
        """Somebody who knows nothing of the release changes the pair's weights."""

    @abstractmethod
    def add_member(self, traffic: Traffic) -> str:
        """Somebody writes a member that botocore has no shape for; its path."""

    @abstractmethod
    def has_member(self, traffic: Traffic) -> bool: ...

    @abstractmethod
    def set_targets(self, side: SideName, healthy: int, others: int) -> None: ...

    def written(self) -> int:
        return sum(len(self.fake.called(operation)) for operation in self.writes)


FACTORIES: dict[str, Any] = {
    name: factory.__wrapped__
    for name, factory in vars(clients).items()
    if hasattr(factory, "__wrapped__")
}
"""Of the clients of the functions, which a test may have replaced."""


def connect(monkeypatch: pytest.MonkeyPatch, fake: Fake, *services: str) -> None:
    """Let the client factories of these names answer from the fake."""
    for service in services:
        client = FACTORIES[service]()
        serve(client, lambda: fake)
        monkeypatch.setattr(clients, service, lambda client=client: client)


def answer(service: str, operation: str, **params: Any) -> Any:
    """A call past the router."""
    found = getattr(getattr(clients, service)(), operation)(**params)
    found.pop("ResponseMetadata")
    return found
