"""The functions that bring traffic home are kept warm by the sweep."""

from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from stepcanary.aws import clients
from stepcanary.aws.warmth import WARM
from tests.fakes.cloud import Refusal
from tests.statemachine.runner import World

FUNCTIONS = [
    f"arn:aws:lambda:us-east-1:123456789012:function:stepcanary-{name}:live"
    for name in ("relay-alarm", "revert")
]


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT_WARM", " ".join(FUNCTIONS))


def test_the_sweep_calls_them_each_minute(here: World) -> None:
    called = []
    here.cloud.on_invoke = lambda function, event: called.append((function, event))
    here.invoke("ReconcileFunction", {})
    assert called == [(function, WARM) for function in FUNCTIONS]


def test_the_end_of_an_execution_warms_nothing(here: World) -> None:
    here.cloud.on_invoke = lambda *_: pytest.fail("it was called")
    here.invoke("ReconcileFunction", {"detail": {"executionArn": here.arn("release-1")}})


def test_a_sweep_goes_on_where_they_cannot_be_called(here: World) -> None:
    def refuse(*_: object) -> None:
        raise Refusal("TooManyRequestsException", "Rate exceeded")

    here.cloud.on_invoke = refuse
    assert here.invoke("ReconcileFunction", {})["stranded"] == []


@pytest.mark.parametrize("function", ["RelayAlarmFunction", "RevertFunction"])
def test_a_call_for_nothing_makes_the_clients_and_calls_nobody(here: World, function: str) -> None:
    made: list[str] = []
    names = ("dynamodb", "stepfunctions", "elbv2")
    stand_ins: dict[str, Any] = {name: partial(made.append, name) for name in names}
    before = len(here.cloud.calls)
    # Undone here: `monkeypatch` is older than the world, whose own clients it would leave behind.
    with patch.multiple(clients, **stand_ins):
        assert here.invoke(function, WARM) == {}
    assert made == [*names]
    assert len(here.cloud.calls) == before
