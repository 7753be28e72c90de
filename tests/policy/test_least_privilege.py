"""Each function may call exactly what it calls: nothing missing, nothing to spare."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from canary.aws import clients
from sandbox import stack
from tests.builders import request
from tests.fakes.cloud import Refusal
from tests.statemachine.runner import world

PREFIX = {"stepfunctions": "states"}

# Permissions that no API call of the same name stands for.
WITHOUT_A_CALL = {
    "iam:PassRole",  # ECS asks for it when a task definition or a service names a role
    "ecs:TagResource",  # asked for when RegisterTaskDefinition carries tags
}

# The API knows no resource for these, or the name of the resource is not known beforehand.
ON_EVERYTHING = {
    "cloudwatch:DescribeAlarms",  # composite alarms need it
    "ecs:DescribeTaskDefinition",
    "servicediscovery:DiscoverInstances",
}


@pytest.fixture(scope="module")
def called() -> Iterator[dict[str, set[str]]]:
    """Actions by function, over a good, a bad and a rejected release."""
    calls: dict[str, set[str]] = defaultdict(set)
    running: list[str] = []

    def record(model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        if running:
            calls[running[-1]].add(f"{PREFIX.get(service, service)}:{model.name}")

    with world() as here:
        for name, handler in list(here.handlers.items()):

            def traced(event: Any, context: Any, name: str = name, handler: Any = handler) -> Any:
                running.append(name)
                try:
                    return handler(event, context)
                finally:
                    running.pop()

            here.handlers[name] = traced
        for service in ("appmesh", "cloudwatch", "dynamodb", "ecs", "servicediscovery", "ssm"):
            client = getattr(clients, service)()
            client.meta.events.register("provide-client-params.*.*", record)
        states = clients.stepfunctions()
        states.meta.events.register("provide-client-params.*.*", record)
        close = here.handlers["CloseReleaseFunction"]
        here.handlers["CloseReleaseFunction"] = _killed
        assert here.release(request()).state == "Released"
        here.handlers["CloseReleaseFunction"] = close
        here.cloud.alarm_at = {5: {"example2-5xx": "ALARM"}}
        bad = here.release(request(images={"app": "shop:v3"}), name="release-2")
        assert bad.state == "Reverted"
        yield calls


def _killed(_event: object, _context: object) -> None:
    raise Refusal("killed")


def granted(function: str) -> dict[str, Any]:
    """Action to resource, from the template."""
    policies = stack.template()["Resources"][function]["Properties"]["Policies"]
    return {
        action: statement["Resource"]
        for policy in policies
        for statement in policy["Statement"]
        for action in statement["Action"]
    }


@pytest.mark.parametrize("function", [f.name for f in stack.functions()])
def test_granted_is_called(called: dict[str, set[str]], function: str) -> None:
    assert set(granted(function)) - WITHOUT_A_CALL == called[function]


@pytest.mark.parametrize("function", [f.name for f in stack.functions()])
def test_no_action_on_everything_without_a_reason(function: str) -> None:
    wide = {action for action, resource in granted(function).items() if resource == "*"}
    assert wide <= ON_EVERYTHING


def test_roles_are_passed_to_ecs_only() -> None:
    template = json.dumps(stack.template())
    assert template.count('"iam:PassRole"') == template.count("ecs-tasks.amazonaws.com")
