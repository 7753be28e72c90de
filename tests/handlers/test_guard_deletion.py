"""A stack is deleted only when nothing is left that it would have to undo."""

import json
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from emulator import template
from stepcanary.aws import clients, cloudformation
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.store import door, due, leases
from stepcanary.store.due import RETIRE, TAKE_DOWN, Task
from tests.builders import profile, request
from tests.fakes.cloud import Refusal
from tests.statemachine.runner import World

EVENT = json.loads((template.ROOT / "events/guard_deletion.json").read_text())
Answers = list[dict[str, Any]]


@pytest.fixture
def stack(here: World) -> World:
    here.cloud.stack_status = "DELETE_IN_PROGRESS"
    return here


@pytest.fixture
def answers() -> Iterator[Answers]:
    """What CloudFormation is told."""
    told: Answers = []

    def tell(url: str, document: Any) -> None:
        assert url == EVENT["ResponseURL"]
        told.append(document)

    with patch.object(cloudformation, "answer", tell):
        yield told


def ask(here: World, kind: str = "Delete", **changed: Any) -> None:
    here.invoke("GuardDeletionFunction", {**EVENT, "RequestType": kind, **changed})


def is_open() -> bool:
    try:
        door.require_open()
    except RequestRejected:
        return False
    return True


def test_a_stack_at_rest_may_go_and_lets_no_release_begin(stack: World, answers: Answers) -> None:
    assert stack.release(request()).state == "Released"
    ask(stack)
    assert answers == [
        {
            "Status": "SUCCESS",
            "Reason": "nothing speaks against it",
            "PhysicalResourceId": "deletion-guard",
            "StackId": EVENT["StackId"],
            "RequestId": EVENT["RequestId"],
            "LogicalResourceId": "DeletionGuard",
        }
    ]
    late = stack.release(request(images={"app": "shop:v3"}), "late")
    assert late.state == "Rejected" and "this stack is being deleted" in late.cause
    assert leases.held() == [] and stack.left_behind() == []
    # The stack is there after all.
    stack.clock.sleep(door.CLOSED_SECONDS)
    assert stack.release(request(images={"app": "shop:v3"}), "later").state == "Released"


def test_a_release_that_runs_is_named_and_goes_on(stack: World, answers: Answers) -> None:
    opened: list[bool] = []

    def look() -> None:
        ask(stack)
        opened.append(is_open())

    stack.clock.after(100, look)
    assert stack.release(request()).state == "Released"
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"{stack.arn('release-1')} still hold a split")
    assert "--retain-resources DeletionGuard" in answer["Reason"]
    assert opened == [True]


def test_one_that_takes_its_lease_as_the_door_closes_is_seen_or_gives_it_back(
    stack: World, answers: Answers
) -> None:
    """It cannot be that neither sees the other."""
    event = json.loads((template.ROOT / "events/open_release.json").read_text())
    look, found = door.require_open, []

    def close_first() -> None:
        ask(stack)
        look()

    with patch.object(door, "require_open", close_first):
        assert stack.invoke("OpenReleaseFunction", event)["accepted"]
    assert "still hold a split" in answers[0]["Reason"]
    leases.free(leases.held()[0], leases.release_of(leases.held()[0]))

    def begin_after() -> list[str]:
        found.append(stack.invoke("OpenReleaseFunction", event)["cause"])
        return holders()

    holders = leases.holders
    with patch.object(leases, "holders", begin_after):
        ask(stack)
    assert "is being deleted" in found[0]
    assert (answers[1]["Status"], leases.held()) == ("SUCCESS", [])


def test_a_second_delivery_of_the_opening_finds_the_door_closed(stack: World) -> None:
    """The first may have died between its lease and its look at the door."""
    event = json.loads((template.ROOT / "events/open_release.json").read_text())
    with (
        patch.object(door, "require_open", side_effect=AwsUnavailable("it died")),
        pytest.raises(AwsUnavailable),
    ):
        stack.invoke("OpenReleaseFunction", event)
    assert len(leases.held()) == 1
    door.close()
    answer = stack.invoke("OpenReleaseFunction", event)
    assert (answer["accepted"], "is being deleted" in answer["cause"]) == (False, True)
    assert leases.held() == []


def test_what_is_still_to_be_taken_down_is_named(stack: World, answers: Answers) -> None:
    stack.clock.after(200, lambda: stack.signal("revert"))
    kept = request(images={"app": "shop:v2"}, profile=profile(keep_failed_seconds=3_600))
    assert stack.release(kept, "kept").state == "Reverted"
    ask(stack)
    assert answers[0]["Status"] == "FAILED"
    assert f"something of {stack.arn('kept')} is still to be taken down" in answers[0]["Reason"]
    stack.pass_minutes(75)
    ask(stack)
    assert answers[1]["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("task", "refused"),
    [
        (Task(9, RETIRE, "a", "x:one"), False),
        (Task(9, RETIRE, "a", "x:one", tries=1), True),
        (Task(9, RETIRE, "a", "x:one", worked=True), True),
        (Task(9, TAKE_DOWN, "a", "x:one"), True),
    ],
)
def test_a_look_that_has_found_nothing_undoes_nothing(
    stack: World, answers: Answers, task: Task, refused: bool
) -> None:
    due.add(task)
    ask(stack)
    assert answers[0]["Status"] == ("FAILED" if refused else "SUCCESS")
    assert is_open() == refused


def test_many_are_counted_and_the_reason_stays_short(stack: World, answers: Answers) -> None:
    for number in range(300):
        due.add(Task(9, TAKE_DOWN, "a", f"x:{number:0>90}"))
    ask(stack)
    assert "and 295 more is still" in answers[0]["Reason"]
    assert len(json.dumps(answers[0])) < 4_096


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_a_stack_that_is_kept_is_not_asked_what_it_holds(
    here: World, answers: Answers, status: str
) -> None:
    """A later template has no guard, or the first deployment has failed."""
    here.cloud.stack_status = status
    here.clock.after(100, lambda: ask(here))
    assert here.release(request()).state == "Released"
    assert answers[0]["Status"] == "SUCCESS"
    assert is_open()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_stack_that_is_made_or_updated_never_waits(
    here: World, answers: Answers, kind: str
) -> None:
    door.close()
    ask(here, kind, PhysicalResourceId="as-it-was" if kind == "Update" else None)
    assert is_open()
    with patch.object(door, "open_again", side_effect=AwsUnavailable("no ledger")):
        ask(here, kind)
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"]
    assert answers[0]["PhysicalResourceId"] == (
        "as-it-was" if kind == "Update" else "deletion-guard"
    )


@pytest.mark.parametrize("broken", ["close", "holders", "status_of"])
def test_what_cannot_be_read_keeps_the_stack_and_says_what_to_do(
    stack: World, answers: Answers, broken: str
) -> None:
    where = {"close": door, "holders": leases, "status_of": cloudformation}[broken]
    with patch.object(where, broken, side_effect=KeyError("KMS key is disabled")):
        ask(stack)
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "cannot be said: 'KMS key is disabled'. Mend that" in answer["Reason"]
    assert "--retain-resources DeletionGuard" in answer["Reason"]
    assert is_open()


class Wire:
    """S3, where CloudFormation waits. `statuses` is what it answers, or what it raises."""

    def __init__(self, *statuses: int | Exception) -> None:
        self.statuses = list(statuses)
        self.put: list[tuple[str, str, str, Any, Any]] = []

    def __call__(self, host: str, timeout: int) -> "Wire":
        assert timeout == cloudformation.ANSWER_SECONDS
        self.host = host
        return self

    def request(self, method: str, path: str, body: bytes, headers: Any) -> None:
        self.put.append((self.host, method, path, json.loads(body), headers))

    def getresponse(self) -> "Wire":
        status = self.statuses.pop(0)
        if isinstance(status, Exception):
            raise status
        self.status = status
        return self

    def close(self) -> None:
        pass


def test_the_answer_is_put_where_the_event_says() -> None:
    wire = Wire(TimeoutError("slow"), HTTPException("broken"), 200)
    with patch.object(cloudformation, "HTTPSConnection", wire):
        cloudformation.answer(EVENT["ResponseURL"], {"Status": "SUCCESS"})
    host = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"
    path = "/answer?X-Amz-Signature=0a1b"
    assert wire.put == [(host, "PUT", path, {"Status": "SUCCESS"}, {"Content-Type": ""})] * 3


def test_an_answer_that_nobody_takes_is_tried_again_by_lambda() -> None:
    wire = Wire(503, 503, 403)
    with (
        patch.object(cloudformation, "HTTPSConnection", wire),
        pytest.raises(AwsUnavailable, match="answered 403"),
    ):
        cloudformation.answer(EVENT["ResponseURL"], {})


@pytest.mark.parametrize(
    ("region", "domain"),
    [("cn-north-1", "amazonaws.com.cn"), ("eusc-de-east-1", "amazonaws.eu")],
)
def test_each_partition_is_answered_in_its_own_domain(
    region: str, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("cloudformation", region_name=region)
    monkeypatch.setattr(clients, "cloudformation", lambda: client)
    wire = Wire(200)
    with patch.object(cloudformation, "HTTPSConnection", wire):
        cloudformation.answer(f"https://s3.{region}.{domain}/answer", {})
    assert len(wire.put) == 1
    with pytest.raises(AwsRefused, match="takes no answers"):
        cloudformation.answer("https://s3.amazonaws.com/answer", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://s3.amazonaws.com/answer",
        "https://amazonaws.com.example.org/answer",
        "https://example.org/answer?.amazonaws.com",
        "https://evilamazonaws.com/answer",
        "https://s3.amazonaws.com@example.org/answer",
        "file:///etc/passwd",
    ],
)
def test_no_other_place_is_answered(url: str) -> None:
    with pytest.raises(AwsRefused, match="takes no answers"):
        cloudformation.answer(url, {})


def test_a_ledger_that_refuses_is_told_by_its_error(stack: World, answers: Answers) -> None:
    def refuse(name: str, _params: Any) -> None:
        if name == "cloudformation.DescribeStacks":
            raise Refusal("AccessDenied", "not yours", 403)

    stack.cloud.before_call = refuse
    ask(stack)
    assert "Grant the function's role DescribeStacks" in answers[0]["Reason"]


def test_a_slow_refusal_does_not_open_the_door_of_who_was_answered(
    stack: World, answers: list[dict[str, Any]]
) -> None:
    """The event is delivered twice; the first delivery has seen a release that ends just then."""
    holders = leases.holders

    def slow() -> list[str]:
        found = holders()
        if not answers and found:
            (lease,) = leases.held()
            leases.free(lease, leases.release_of(lease))
            ask(stack)
        return found

    def look() -> None:
        with patch.object(leases, "holders", slow):
            ask(stack)

    stack.clock.after(100, look)
    stack.release(request())
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "FAILED"]
    assert not is_open()
