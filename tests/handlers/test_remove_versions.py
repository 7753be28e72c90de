"""Old versions go once no running execution, no alias and no definition needs them."""

import json
from typing import Any

import pytest

from emulator import template
from stepcanary.aws import awslambda, stepfunctions
from stepcanary.domain.published import Running
from stepcanary.errors import AwsRefused, AwsUnavailable
from tests.builders import request
from tests.fakes.cloud import Refusal
from tests.statemachine.runner import World

EVENT = json.loads((template.ROOT / "events/remove_versions.json").read_text())
FUNCTIONS: list[str] = EVENT["functions"]


def remove(here: World) -> list[str]:
    removed: list[str] = here.invoke("RemoveVersionsFunction", EVENT)["removed"]
    return removed


@pytest.fixture
def stack(here: World) -> World:
    """Its definition names version 1 of each function, which was published four times before."""
    for function in FUNCTIONS:
        here.cloud.publish(function, 1, 2, 3, 4, 5)
    return here


def deploy(here: World, version: int) -> None:
    """The state machine names this version of each function from here on."""
    definition = template.definition()
    for function in template.functions():
        definition = definition.replace(f'{function.arn}"', f'{function.arn[:-1]}{version}"')
    here.sfn.update_state_machine(stateMachineArn=here.machine, definition=definition)


def test_what_nothing_needs_goes(stack: World) -> None:
    removed = remove(stack)
    kept = {"PlanReleaseFunction", "RevertFunction"}
    assert removed == [
        f"{function}:{number}"
        for function in FUNCTIONS
        for number in ((2, 3) if function in kept else (1, 2, 3))
    ]
    # The definition names 1, an alias 5; 4 is the one to go back to.
    assert stack.cloud.versions["RevertFunction"] == [1, 4, 5]
    assert stack.cloud.versions["ReconcileFunction"] == [4, 5]
    assert remove(stack) == []


def test_a_release_ends_on_the_version_that_it_began_with(stack: World) -> None:
    """Whatever is deployed meanwhile, and however often."""
    deploy(stack, 2)
    removed: list[str] = []

    def update() -> None:
        deploy(stack, 5)
        removed.extend(remove(stack))

    stack.clock.after(100, update)
    assert stack.release(request()).state == "Released"
    assert {"RevertFunction:1", "RevertFunction:3"} <= set(removed)
    assert "RevertFunction:2" not in removed
    assert remove(stack) == ["PlanReleaseFunction:2", "RevertFunction:2"]


def test_the_executions_are_asked_only_where_something_may_go(stack: World) -> None:
    asked: list[str] = []
    stack.cloud.before_call = lambda name, _params: asked.append(name)
    for function in FUNCTIONS:
        stack.cloud.publish(function, 4, 5)
    assert remove(stack) == []
    assert "cloudformation.DescribeStacks" not in asked


@pytest.mark.parametrize(
    "status",
    ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"],
)
def test_nothing_goes_while_the_stack_may_still_go_back(stack: World, status: str) -> None:
    stack.cloud.stack_status = status
    assert remove(stack) == []
    stack.cloud.stack_status = "UPDATE_ROLLBACK_COMPLETE"
    assert remove(stack) != []


def test_somebodys_alias_keeps_its_versions(stack: World) -> None:
    shared: dict[str, Any] = {
        "Name": "ours",
        "FunctionVersion": "2",
        "RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}},
    }
    latest = {"Name": "newest", "FunctionVersion": "$LATEST"}
    stack.cloud.aliases["RevertFunction"] += [shared, latest, {**latest, "Name": "other"}]
    assert awslambda.aliased("RevertFunction") == {2, 3, 5}
    assert not any(gone.startswith("RevertFunction") for gone in remove(stack))


def test_an_alias_that_comes_meanwhile_keeps_its_version(stack: World) -> None:
    def alias(name: str, _params: Any) -> None:
        if name == "cloudformation.DescribeStacks":
            late = {"Name": "late", "FunctionVersion": "2"}
            stack.cloud.aliases["RevertFunction"].append(late)

    stack.cloud.before_call = alias
    assert "RevertFunction:2" not in remove(stack)
    assert stack.cloud.versions["RevertFunction"] == [1, 2, 4, 5]


def test_one_that_somebody_else_has_deleted_is_gone(stack: World) -> None:
    def delete(name: str, params: Any) -> None:
        if name == "lambda.DeleteFunction":
            stack.cloud.versions["RevertFunction"] = [1, 4, 5]

    stack.cloud.before_call = delete
    assert "RevertFunction:2" in remove(stack)


def test_what_is_refused_keeps_no_other_and_is_told(stack: World) -> None:
    def refuse(name: str, params: Any) -> None:
        if name == "lambda.DeleteFunction" and params["FunctionName"] == "PlanReleaseFunction":
            raise Refusal("AccessDeniedException", "no", 403)

    stack.cloud.before_call = refuse
    with pytest.raises(AwsRefused, match="DeleteFunction"):
        remove(stack)
    assert stack.cloud.versions["RevertFunction"] == [1, 4, 5]


@pytest.mark.parametrize(
    "call", ["lambda.ListAliases", "lambda.ListVersionsByFunction", "cloudformation.DescribeStacks"]
)
def test_what_cannot_be_seen_removes_nothing(stack: World, call: str) -> None:
    def throttle(name: str, _params: Any) -> None:
        if name == call:
            raise Refusal("TooManyRequestsException", "slow down", 429)

    stack.cloud.before_call = throttle
    with pytest.raises(AwsUnavailable):
        remove(stack)
    assert stack.cloud.called("DeleteFunction") == []


def test_an_execution_that_is_not_there_names_nothing(here: World) -> None:
    assert stepfunctions.pinned_by(here.arn("never")) is None
    found: list[Running] = []
    here.clock.after(100, lambda: found.extend(stepfunctions.running(here.machine)))
    here.release(request(), "one")
    assert [running.execution for running in found] == [here.arn("one")]
    pinned = stepfunctions.pinned_by(found[0].execution)
    assert pinned is not None and ("RevertFunction", 1) in pinned.names
    assert stepfunctions.running(here.machine) == []
