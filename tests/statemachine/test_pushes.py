"""Pushes are obeyed in their own order, in whatever order they arrive, and none that is old."""

import json
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest

from stepcanary.aws import stepfunctions
from stepcanary.domain.pushes import OLDEST_SECONDS
from stepcanary.errors import AwsUnavailable, RequestRejected
from stepcanary.store import pushes, queue, senders
from stepcanary.store.senders import Sender
from tests.builders import FROM_ECR, TRIGGERS, profile, request, traffic
from tests.eventually import within
from tests.fakes.cloud import Document
from tests.statemachine.runner import World
from tests.statemachine.test_actions import act, event, stored
from tests.statemachine.timeline import FIRST_BAKE, later

QUICK = {
    "traffic": traffic(settle_seconds=1),
    "steps": [{"weight": 100, "bake_seconds": 1}],
}
"""So that three releases are over before a push is too old."""


@pytest.fixture
def here(here: World) -> World:
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    return here


def digest(version: int) -> str:
    return f"sha256:{str(version).ljust(64, '0')}"


def push(
    here: World, version: int, ago: float = 0, *, tag: str = "", repository: str = "shop"
) -> Document:
    """A push of so many seconds ago."""
    at = here.clock.now() - timedelta(seconds=ago)
    named = {"image-digest": digest(version), "image-tag": tag or f"canary-{version}"}
    named["repository-name"] = repository
    return {**event("start_on_image", **named), "time": at.isoformat()}


def deliver(here: World, pushed: Document) -> list[str]:
    """The executions that it started."""
    started: list[str] = here.invoke("StartOnImageFunction", pushed)["started"]
    return started


def released(here: World, version: int) -> bool:
    return here.cloud.running_image("example1").endswith(f"shop@{digest(version)}")


@pytest.mark.parametrize("order", permutations((2, 3, 4)))
def test_the_newest_push_is_what_is_released_in_the_end(
    here: World, order: tuple[int, ...]
) -> None:
    """Each release is over when the next push arrives."""
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS, **QUICK)
    made = {version: push(here, version, ago=100 - 10 * version) for version in order}
    newest = 0
    for version in order:
        for _ in range(2):
            for execution in deliver(here, made[version]):
                here.wait(execution)
        newest = max(newest, version)
        assert released(here, newest)
    executions = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    assert len(executions) == sum(v == max(order[: n + 1]) for n, v in enumerate(order))


def test_a_push_that_comes_too_late_is_refused_and_somebody_is_told(here: World) -> None:
    """By the alarm on errors of the function: nothing else says that a release is missing."""
    late = push(here, 2, ago=OLDEST_SECONDS + 60)
    for _ in range(2):
        with pytest.raises(RequestRejected, match="starts nothing; release it by hand"):
            deliver(here, late)
    assert here.sfn.list_executions(stateMachineArn=here.machine)["executions"] == []
    assert pushes.newest("checkout") is None
    (execution,) = deliver(here, push(here, 2, ago=OLDEST_SECONDS - 60))
    assert here.wait(execution).state == "Released"


def test_a_push_that_was_obeyed_and_comes_again_a_day_later_troubles_nobody(here: World) -> None:
    older, pushed = push(here, 1, ago=1), push(here, 2)
    (execution,) = deliver(here, pushed)
    assert here.wait(execution).state == "Released"
    here.clock.sleep(86_400)
    assert deliver(here, pushed) == []
    # Nor does one that would have been left anyway.
    assert deliver(here, older) == []


def test_a_push_of_before_a_release_by_hand_does_not_follow_it(here: World) -> None:
    pushed = push(here, 2)
    here.clock.sleep(10)
    started = later(here, FIRST_BAKE, lambda: deliver(here, pushed))
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    assert started == [[]]
    # What is pushed after it has begun does.
    (execution,) = deliver(here, push(here, 3))
    assert here.wait(execution).state == "Released"
    assert released(here, 3)


def test_a_manual_shift_is_no_release(here: World) -> None:
    pushed = push(here, 2)
    here.clock.sleep(10)
    assert act(here, "shift", weight=0).state == "Done"
    (execution,) = deliver(here, pushed)
    assert here.wait(execution).state == "Released"


def test_a_push_that_was_made_while_the_one_before_it_began_is_obeyed(here: World) -> None:
    """It is older than that release, and still the newer push."""
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS, concurrency="queue")
    first, second = push(here, 2, ago=2), push(here, 3, ago=1)
    queued = later(here, FIRST_BAKE, lambda: deliver(here, second))
    (begun,) = deliver(here, first)
    assert here.wait(begun).state == "Released"
    ((execution,),) = queued
    assert here.wait(execution).state == "Released"
    assert released(here, 3)


def test_of_two_at_once_the_older_gives_way_although_it_is_started_last(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has found that it is the newest, and is overtaken before it starts its release."""
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS, concurrency="supersede")
    older, newer = push(here, 2, ago=2), push(here, 3, ago=1)
    started: list[str] = []
    vouch = senders.vouch

    def overtaken(name: str, sender: Sender) -> Sender:
        monkeypatch.setattr(senders, "vouch", vouch)
        started.extend(deliver(here, newer))
        return vouch(name, sender)

    monkeypatch.setattr(senders, "vouch", overtaken)
    started += deliver(here, older)
    newest, last = (here.wait(arn) for arn in started)
    assert newest.state == "Released"
    assert last.state == "Rejected"
    assert f"{digest(3)} was pushed after what this release is for" in last.cause
    assert released(here, 3)


def test_the_newest_is_decided_by_a_write_and_not_by_the_look_before_it(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = push(here, 2, ago=2), push(here, 3, ago=1)
    (execution,) = deliver(here, newer)
    newest, looks = pushes.newest, [lambda _service: None]
    monkeypatch.setattr(pushes, "newest", lambda s: looks.pop()(s) if looks else newest(s))
    assert deliver(here, older) == []
    assert looks == []
    assert here.wait(execution).state == "Released"


def test_a_start_that_fails_is_made_up_for_by_the_next_delivery(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = push(here, 2)
    with monkeypatch.context() as failing:
        failing.setattr(stepfunctions, "start", unavailable)
        with pytest.raises(AwsUnavailable):
            deliver(here, pushed)
    # Under whichever tag comes first: whom the ledger names is whom the input names.
    (execution,) = deliver(here, push(here, 2, tag="canary-latest"))
    started = json.loads(here.sfn.describe_execution(executionArn=execution)["input"])
    assert started["by"] == "push of shop:canary-2"
    assert here.wait(execution).state == "Released"


def unavailable(*_: object) -> str:
    raise AwsUnavailable("states")


def test_a_push_is_vouched_for_and_a_second_tag_changes_no_name(here: World) -> None:
    (execution,) = deliver(here, push(here, 2))
    deliver(here, push(here, 2, tag="canary-latest"))
    status = later(here, FIRST_BAKE, lambda: act(here, "status", "look"))
    assert here.wait(execution).state == "Released"
    assert status[0].state == "Done"
    answered = here.sfn.describe_execution(executionArn=here.arn("look"))
    assert json.loads(answered["output"])["running"][0]["by"] == "push of shop:canary-2"


def test_releasing_and_promoting_are_two_things(here: World) -> None:
    """Each has a function and a switch of its own."""
    stored(
        here,
        repositories=FROM_ECR,
        triggers={**TRIGGERS, "promote_tags": ["canary-*"]},
        promotion={"approval": True},
    )
    pushed = push(here, 2)
    assert here.invoke("PromoteOnImageFunction", pushed) == {"started": [], "promoted": []}
    both = [
        later(here, seconds, partial(promoted_by, here, name))
        for seconds, name in ((2_000, "StartOnImageFunction"), (2_001, "PromoteOnImageFunction"))
    ]
    (execution,) = deliver(here, pushed)
    assert here.wait(execution).state == "Released"
    assert both == [[[]], [[execution]]]


def promoted_by(here: World, function: str) -> list[str]:
    promoted: list[str] = here.invoke(function, push(here, 2))["promoted"]
    return promoted


@pytest.mark.parametrize("name", ["promote_on_image", "promote_on_pipeline"])
def test_an_old_event_promotes_nothing(here: World, name: str) -> None:
    stored(
        here,
        repositories=FROM_ECR,
        triggers=TRIGGERS,
        promotion={"approval": True, "gate_seconds": 7_200},
    )
    function = "PromoteOnImageFunction" if "image" in name else "PromoteOnPipelineFunction"

    def tell(ago: float) -> list[str]:
        at = here.clock.now() - timedelta(seconds=ago)
        reached: list[str] = here.invoke(function, {**event(name), "time": at.isoformat()})[
            "promoted"
        ]
        return reached

    old = later(here, 3_000, lambda: tell(OLDEST_SECONDS + 60))
    young = later(here, 3_001, lambda: tell(OLDEST_SECONDS - 60))
    assert here.release(request()).state == "Released"
    assert (old, young) == ([[]], [[here.arn("release-1")]])


def test_a_push_reads_no_profile_but_those_of_its_repository(here: World) -> None:
    for number in range(30):
        name = f"/stepcanary/profiles/other-{number}"
        triggers = {**TRIGGERS, "repository": f"other-{number}", "promote_pipelines": []}
        here.cloud.parameters[name] = json.dumps(profile(triggers=triggers))
    here.invoke("IndexProfilesFunction", {})
    before = len(here.cloud.calls)
    # Nothing is started, so that no release reads its own.
    deliver(here, push(here, 2, tag="nightly"))
    deliver(here, push(here, 2, repository="nobody-s"))
    read = [params for name, params in here.cloud.calls[before:] if name == "ssm.GetParameters"]
    assert read == [{"Names": ["/stepcanary/profiles/checkout"]}]
    assert "ssm.GetParametersByPath" not in [name for name, _ in here.cloud.calls[before:]]


def test_the_profile_has_the_last_word_however_old_the_index_is(here: World) -> None:
    moved = json.dumps(profile(triggers={**TRIGGERS, "repository": "elsewhere"}))
    here.cloud.parameters["/stepcanary/profiles/checkout"] = moved
    assert deliver(here, push(here, 2)) == []
    del here.cloud.parameters["/stepcanary/profiles/checkout"]
    assert deliver(here, push(here, 2)) == []


def test_a_monorepo_is_read_ten_profiles_at_a_time(here: World) -> None:
    for number in range(12):
        quiet = profile(triggers={**TRIGGERS, "release_tags": ["never"]})
        here.cloud.parameters[f"/stepcanary/profiles/other-{number}"] = json.dumps(quiet)
    here.invoke("IndexProfilesFunction", {})
    (execution,) = deliver(here, push(here, 2))
    assert here.wait(execution).state == "Released"
    reads = here.cloud.called("GetParameters")
    assert [len(params["Names"]) for params in reads][:2] == [10, 3]


def test_a_point_in_a_service_s_name_is_in_no_execution_s(here: World) -> None:
    """CloudWatch Logs keep nothing of an execution with such a name."""
    here.cloud.parameters["/stepcanary/profiles/check.out"] = json.dumps(
        profile(
            repositories=[each.replace("shop", "dotted") for each in FROM_ECR],
            triggers={**TRIGGERS, "repository": "dotted"},
        )
    )
    here.invoke("IndexProfilesFunction", {})
    (execution,) = deliver(here, push(here, 2, repository="dotted"))
    assert "-check-out-" in execution.rpartition(":")[2]
    assert "." not in execution.rpartition(":")[2]
    assert here.wait(execution).state == "Released"


def test_a_digest_that_is_pushed_again_after_another_one_is_released_anew(here: World) -> None:
    """While its first release still gives way to that other one."""
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS, concurrency="supersede")
    (first,) = deliver(here, push(here, 2))
    others: list[str] = []
    handler = here.handlers["ConfirmRestFunction"]

    def again(event: Document, context: object) -> object:
        if len(others) == 1:
            others.extend(deliver(here, push(here, 2)))
        return handler(event, context)

    here.handlers["ConfirmRestFunction"] = again
    here.clock.after(FIRST_BAKE, lambda: others.extend(deliver(here, push(here, 3))))
    assert here.wait(first).state == "Reverted"
    ends = [here.wait(execution).state for execution in others]
    assert first not in others
    assert "Released" in ends
    assert released(here, 2)


@pytest.mark.parametrize("concurrency", ["queue", "supersede"])
def test_a_push_of_before_a_release_by_hand_that_waits_does_not_take_its_place(
    here: World, concurrency: str
) -> None:
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS, concurrency=concurrency)
    first = here.start(request(images={"app": "shop:v8"}), "first")
    made = later(here, 90, lambda: push(here, 2))

    def wait_by_hand() -> str:
        execution = here.start(request(images={"app": "shop:v9"}), "hand")
        within(60)(lambda: execution in queue.asked("checkout"))
        return execution

    by_hand = later(here, 100, wait_by_hand)
    late = later(here, 150, lambda: deliver(here, made[0]))
    here.wait(first)
    outcome = here.wait(by_hand[0])
    assert (outcome.state, late) == ("Released", [[]]), outcome.cause
