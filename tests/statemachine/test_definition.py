"""What no linter checks: the graph is closed, and every state keeps the rules of the house."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import template
from stepcanary import errors
from stepcanary.domain.patience import (
    FIRST_TRY_SECONDS,
    LONGEST_TRY_SECONDS,
    LONGEST_TURN_SECONDS,
    MOST_RETRIES,
    TRY_GROWTH,
    before_next_try,
    most_tries,
)
from stepcanary.domain.profile import LONGEST_ROLLOUT_SECONDS, Deployment
from stepcanary.traffic.alb import LONGEST_PINNED_SECONDS
from tools.format_definition import formatted

State = dict[str, Any]
MACHINE: State = json.loads(template.DEFINITION.read_text())


def scopes(machine: State) -> Iterator[State]:
    """The machine and each branch within it."""
    yield machine
    for state in machine["States"].values():
        for branch in state.get("Branches", []):
            yield from scopes(branch)


STATES = [(name, state) for scope in scopes(MACHINE) for name, state in scope["States"].items()]
TASKS = [(name, state) for name, state in STATES if state["Type"] == "Task"]


def targets(state: State) -> Iterator[str]:
    for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Next" in holder:
            yield holder["Next"]
    if "Default" in state:
        yield state["Default"]


def test_the_definition_is_formatted() -> None:
    text = template.DEFINITION.read_text()
    assert text == formatted(text), "run `make fix`"


@pytest.mark.parametrize("scope", scopes(MACHINE))
def test_every_target_exists_and_every_state_is_reachable(scope: State) -> None:
    reached, waiting = set(), [scope["StartAt"]]
    while waiting:
        name = waiting.pop()
        assert name in scope["States"], f"no state {name}"
        if name not in reached:
            reached.add(name)
            waiting.extend(targets(scope["States"][name]))
    assert reached == set(scope["States"])


def test_state_names_are_unique() -> None:
    names = [name for name, _ in STATES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "state"), STATES)
def test_every_state_says_why_and_every_end_is_an_end(name: str, state: State) -> None:
    assert len(state.get("Comment", "")) > 20, name
    ends = state["Type"] in ("Fail", "Succeed", "Choice") or "Next" in state or state.get("End")
    assert ends, name
    if state["Type"] == "Choice":
        assert "Default" in state


WAITS = [(name, task) for name, task in TASKS if task["Resource"].endswith(".waitForTaskToken")]


@pytest.mark.parametrize(("name", "task"), TASKS)
def test_every_task_is_bounded_and_retried(name: str, task: State) -> None:
    timeout = template.document()["Globals"]["Function"]["Timeout"]
    if (name, task) not in WAITS:
        # A function that still ran when its state gave up could write after the next one.
        assert timeout < task["TimeoutSeconds"] <= 300
    assert task["Retry"]
    assert "Catch" in task or name in _inside_phases(), f"{name} has no Catch and no phase"


@pytest.mark.parametrize(("name", "wait"), WAITS)
def test_every_wait_ends_by_itself_and_says_what_then(name: str, wait: State) -> None:
    assert re.fullmatch(r"\{% \$[\w.]+_seconds %\}", wait["TimeoutSeconds"]), name
    assert wait["Catch"][0]["ErrorEquals"] in (["States.Timeout"], ["States.ALL"])
    # A time-out is the bake going by: to retry it would bake twice.
    assert not any("States.Timeout" in r["ErrorEquals"] for r in wait["Retry"])
    assert "revert" in wait["Arguments"]["Payload"]["ends_on"]


PATIENCE = {
    "IntervalSeconds": 2,
    "MaxAttempts": MOST_RETRIES,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}
PERSISTENCE = {**PATIENCE, "MaxAttempts": 20, "BackoffRate": 1.5, "MaxDelaySeconds": 60}
PASSING = [
    "AwsUnavailable",
    "NotEnoughCapacity",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
]
THROTTLED: dict[str, Any] = {
    "ErrorEquals": ["AwsThrottled"],
    "IntervalSeconds": 4,
    "MaxAttempts": 60,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
ACT: dict[str, Any] = {"ErrorEquals": [*PASSING, "States.Timeout"], **PATIENCE}
INSIST = {"ErrorEquals": ["States.ALL"], **PERSISTENCE}

# The function says when it has waited long enough, by the time at which its state was entered.
UNTIL_OVERDUE: dict[str, Any] = {
    "ErrorEquals": ["NotEnoughCapacity"],
    "IntervalSeconds": FIRST_TRY_SECONDS,
    "MaxAttempts": 100,
    "BackoffRate": TRY_GROWTH,
    "MaxDelaySeconds": LONGEST_TRY_SECONDS,
}

RETRIES: dict[str, list[State]] = {
    # On the way forward what passes is tried again; all else ends the phase, and its Catch decides.
    "act": [THROTTLED, ACT],
    # As before, and it waits for tasks.
    "patient act": [
        UNTIL_OVERDUE,
        THROTTLED,
        {**ACT, "ErrorEquals": [e for e in ACT["ErrorEquals"] if e != "NotEnoughCapacity"]},
    ],
    # Help from outside has ten minutes to put the split of a dead execution right.
    "open": [
        {
            "ErrorEquals": ["SplitUnsettled"],
            "IntervalSeconds": 10,
            "MaxAttempts": 60,
            "BackoffRate": 1.0,
        },
        THROTTLED,
        ACT,
    ],
    # A time-out is the end of the wait and no error.
    "wait": [THROTTLED, {"ErrorEquals": PASSING, **PATIENCE}],
    # Traffic comes back whatever the error is, unless somebody else has the release in hand.
    "way back": [{"ErrorEquals": ["LeaseLost", "StageOver"], "MaxAttempts": 0}, INSIST],
    # As before, unless nothing is left of the old version.
    "restore": [
        {"ErrorEquals": ["LeaseLost", "StageOver", "DeploymentFailed"], "MaxAttempts": 0},
        INSIST,
    ],
    # As on the way back, but there is another way: the old version, if somebody asks for it, the
    # canary is lost or the new primary stays short of tasks.
    "return": [
        {
            "ErrorEquals": [
                "LeaseLost",
                "StageOver",
                "RevertRequested",
                "CanaryShort",
                "ForeignDeployment",
                "DeploymentOverdue",
            ],
            "MaxAttempts": 0,
        },
        UNTIL_OVERDUE,
        INSIST,
    ],
    "return old": [
        {"ErrorEquals": ["LeaseLost", "StageOver", "DeploymentOverdue"], "MaxAttempts": 0},
        UNTIL_OVERDUE,
        INSIST,
    ],
    # No Revert stands behind these, so a denial is tried again as well: it may be mended meanwhile.
    "finish": [
        THROTTLED,
        {"ErrorEquals": ["AwsRefused", *PASSING, "States.Timeout"], **PATIENCE},
    ],
}


def test_there_are_only_the_named_kinds_of_retry() -> None:
    kinds = {json.dumps(retry, sort_keys=True): kind for kind, retry in RETRIES.items()}
    found = {name: kinds.get(json.dumps(t["Retry"], sort_keys=True)) for name, t in TASKS}
    assert [name for name, kind in found.items() if kind is None] == []
    assert set(found.values()) == set(RETRIES)
    assert {name for name, kind in found.items() if kind == "wait"} == {name for name, _ in WAITS}


def _inside_phases() -> set[str]:
    return {name for scope in list(scopes(MACHINE))[1:] for name in scope["States"]}


def test_every_phase_catches_everything() -> None:
    phases = [state for _, state in STATES if state["Type"] == "Parallel"]
    assert len(phases) == 2
    for phase in phases:
        assert len(phase["Branches"]) == 1
        assert [c["ErrorEquals"] for c in phase["Catch"]] == [["States.ALL"]]


def test_every_substitution_is_filled_and_used() -> None:
    wanted = set(re.findall(r"\$\{(\w+)\}", template.DEFINITION.read_text()))
    machine = template.document()["Resources"]["ReleaseStateMachine"]["Properties"]
    assert wanted == set(machine["DefinitionSubstitutions"])


def test_error_names_of_ours_exist() -> None:
    named = {e for _, s in TASKS for r in s["Retry"] for e in r["ErrorEquals"]}
    for name in named:
        assert name.startswith(("Lambda.", "States.", "Sandbox.")) or hasattr(errors, name), name


def test_only_released_is_green_and_an_action_that_was_taken() -> None:
    assert [n for n, s in STATES if s["Type"] == "Succeed"] == ["Done", "Released"]


def test_the_longest_legal_release_fits_in_the_top_level_timeout() -> None:
    deadline = Deployment.model_fields["deadline_seconds"].metadata
    longest_deployment = next(m.le for m in deadline if hasattr(m, "le"))
    longest = LONGEST_ROLLOUT_SECONDS + 2 * longest_deployment
    longest += LONGEST_PINNED_SECONDS + LONGEST_TURN_SECONDS
    assert longest + 50_000 < MACHINE["TimeoutSeconds"]


def assigned(scope: State) -> set[str]:
    holders = [h for s in scope["States"].values() for h in (s, *s.get("Choices", []))]
    holders += [c for s in scope["States"].values() for c in s.get("Catch", [])]
    return {name for holder in holders for name in holder.get("Assign", {})}


def test_a_phase_assigns_no_variable_of_the_machine() -> None:
    """Step Functions refuses that, and a phase that is entered again would die of it."""
    machine, *phases = scopes(MACHINE)
    for phase in phases:
        assert not assigned(machine) & assigned(phase)


def test_who_lost_the_lease_goes_straight_to_the_end() -> None:
    """An execution that was taken over, or redriven, must not say what it cannot know."""
    opened = (
        "TakeAction",
        "AnswerQuestion",
        "PlanRelease",
        "OpenRelease",
        "CloseRelease",
        "RetireCanary",
    )
    for name, state in MACHINE["States"].items():
        if state["Type"] != "Task" or name in opened:
            continue
        (lost,) = [c for c in state["Catch"] if "LeaseLost" in c["ErrorEquals"]]
        assert (lost["Next"], "Assign" in lost) == ("CloseRelease", False), name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_no_wait_for_tasks_ends_before_its_deadline() -> None:
    deadline = Deployment.model_fields["deadline_seconds"].metadata
    longest = next(m.le for m in deadline if hasattr(m, "le"))
    assert most_tries(longest) < UNTIL_OVERDUE["MaxAttempts"]
    assert sum(before_next_try(tries) for tries in range(1, UNTIL_OVERDUE["MaxAttempts"])) > longest
