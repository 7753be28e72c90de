"""A ledger of the test's own, in moto's DynamoDB, on a clock that stands."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from emulator import template
from emulator.clients import forget_clients
from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.domain.profile import AppMeshTraffic
from stepcanary.domain.release import Release, Side

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:"


class StandingClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 25, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    stands = StandingClock()
    monkeypatch.setattr(clock, "now", stands.now)
    return stands


@pytest.fixture(autouse=True)
def ledger_table(standing: StandingClock) -> Iterator[None]:
    with mock_aws():
        forget_clients()
        clients.dynamodb().create_table(TableName="ledger", **template.ledger_schema())
        yield
    forget_clients()


def release_named(name: str, *, service: str = "checkout", **changed: Any) -> Release:
    """A release of one route, or of those named in `routes`."""
    routes: list[str] = changed.pop("routes", [service])
    whole: dict[str, Any] = {
        "execution": f"{EXECUTION}{name}",
        "service": service,
        "cluster": "example",
        "primary": Side(service=f"{service}-primary", task_definition="arn:primary:1"),
        "canary": Side(service=f"{service}-canary", task_definition="arn:canary:1"),
        "canary_tasks": 2,
        "primary_tasks": 2,
        "images": {"app": "shop:v2"},
        "task_definitions": None,
        "traffic": [
            AppMeshTraffic(
                router="appmesh",
                mesh="example",
                virtual_router="example",
                route=route,
                primary_node="example1",
                canary_node="example2",
            )
            for route in routes
        ],
        "steps": [],
        "alarms": [f"{service}-5xx"],
        "holds": 3,
        "deployment": {},
        "promotion": {},
        "revert_seconds": 900,
        "settle_seconds": 35,
        "drain_seconds": 0,
        **changed,
    }
    return Release.model_validate(whole)
