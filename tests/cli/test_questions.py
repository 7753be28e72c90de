"""Questions are answered without an execution, by people's own words and in one shape as JSON."""

import json
from typing import Any, get_args

import pytest

from stepcanary.contracts.questions import (
    Checked,
    History,
    ReleaseStory,
    ServiceStatus,
    StackStatus,
)
from stepcanary.domain.picture import Picture
from stepcanary.version import VERSION
from tests.builders import profile, request
from tests.cli.conftest import Command
from tests.eventually import within
from tests.fakes.cloud import Document, Refusal
from tests.statemachine.runner import World

eventually = within(30)
NEW = ("--image", "app=shop:v2")


def executions(here: World) -> int:
    return len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"])


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("status",), 0, "everything is at rest"),
        (("status", "checkout"), 0, "checkout: no release is running"),
        (("history", "checkout"), 0, "no release has begun yet"),
        (("history",), 0, "all services: no release has begun in the last seven days"),
        (("history", "--since", "2030-01-01"), 0, "no release has begun since 2030-01-01"),
        (("history", "checkout", "--since", "2030-01-01"), 0, "has begun since 2030-01-01"),
        (("show", "checkout"), 1, "no release of checkout has begun yet"),
        (("check", "checkout"), 0, "checkout can be released"),
        (("check", "checkout", *NEW), 0, "checkout can be released"),
        (("check", "checkout", "--image", "app=other:v1"), 1, "none of the service's repositories"),
        (("version",), 0, f"command {VERSION}, stack {VERSION}"),
        (("status", "chekout"), 1, "Services that have one: checkout"),
        (("history", "chekout"), 1, "Services that have one: checkout"),
        (("show", "chekout"), 1, "Services that have one: checkout"),
        (("check", "chekout"), 1, "Services that have one: checkout"),
        (("history", "checkout", "--after", "garbage"), 1, "after: must be like release#0017957"),
        (("status", "no/service"), 1, "question is not valid. service"),
        (("check", "checkout", "--image", "app=shop"), 1, "names no version"),
    ],
)
def test_a_question_changes_nothing(
    stack: World, command: Command, words: tuple[str, ...], code: int, text: str
) -> None:
    before = stack.ledger()
    done = command(*words)
    assert text in done.out + done.err
    assert done.code == code, done.err
    assert (executions(stack), stack.ledger()) == (0, before)


def test_nothing_is_known_where_no_service_has_a_profile(stack: World, command: Command) -> None:
    del stack.cloud.parameters["/stepcanary/profiles/checkout"]
    assert "No service has a profile yet" in command("status", "checkout").err


def keys(model: type[Any]) -> set[str]:
    return set(model.model_fields)


def test_a_release_is_seen_while_it_runs_and_when_it_is_over(
    stack: World, command: Command
) -> None:
    seen: dict[str, Any] = {}

    def look() -> None:
        for name, words in {
            "stack": ("status",),
            "service": ("status", "checkout"),
            "show": ("show", "checkout"),
        }.items():
            done = command("--json", *words)
            assert done.code == 0, done.err
            seen[name] = done.json
        seen["text"] = command("status").out + command("status", "checkout").out

    stack.clock.after(100, look)
    stack.clock.after(101, lambda: stack.signal("promote", by="jane"))
    arn = stack.start({**request(), "by": "john"}, "release-1")
    assert stack.wait(arn).state == "Released"
    assert seen["stack"].keys() == keys(StackStatus)
    [holder] = seen["stack"]["running"]
    assert (holder["service"], holder["weight"], holder["by"]) == ("checkout", 5, "john (claimed)")
    assert seen["service"].keys() == keys(ServiceStatus)
    assert seen["service"]["running"][0]["execution"] == arn
    assert seen["show"].keys() == keys(ReleaseStory)
    assert seen["show"]["now"]["weight"] == 5
    assert "canary 5 %" in seen["text"]
    assert "release-1" in seen["text"]

    history = command("history", "checkout", "--json").json
    assert history.keys() == keys(History)
    [past] = history["releases"]
    assert (past["outcome"], past["by"]) == ("Released", "john (claimed)")
    assert past["seconds"] == past["ended_at"] - past["started_at"] > 60
    assert past["cause"] in command("history", "checkout").out
    for named in ("checkout", "release-1", arn):
        story = command("show", named, "--json").json
        assert story["past"] == past
        assert story["plan"]["images"] == {"app": "shop:v2"}
        told = [e["detail"]["signal"]["kind"] for e in story["events"] if e["kind"] == "signal"]
        assert told == ["promote"]
        assert story["picture"].keys() == keys(Picture)
    assert "promote by jane" in command("show", "checkout").out


def test_a_release_whose_route_cannot_be_read_is_seen_all_the_same(
    stack: World, command: Command
) -> None:
    seen: dict[str, Any] = {}
    nothing = stack.cloud.before_call

    def look() -> None:
        def refuse(name: str, _params: Document) -> None:
            if name == "appmesh.DescribeRoute":
                raise Refusal("NotFoundException", "the route is gone", 404)

        stack.cloud.before_call = refuse
        for word in ("status", "show"):
            done = command(word, "checkout", "--json")
            assert done.code == 0, done.err
            seen[word] = done.json
        stack.cloud.before_call = nothing

    stack.clock.after(100, look)
    assert stack.release(request()).state == "Released"
    for running in (seen["status"]["running"][0], seen["show"]["now"]):
        [split] = running["splits"].values()
        assert split.startswith("cannot be read. ")
        assert "the route is gone" in split
        assert running["weight"] == 5


def test_who_waits_who_is_stranded_and_what_was_moved(stack: World, command: Command) -> None:
    queueing = request(images={"app": "shop:v3"}, profile=profile(concurrency="queue"))
    second: list[str] = []
    seen: list[Any] = []
    stack.lost.add("ReconcileFunction")

    def wait_beside_it() -> None:
        second.append(stack.start(queueing, "second"))
        eventually(lambda: any(item["sk"]["S"] == "queue" for item in stack.ledger()))
        seen.append(command("status", "--json").json)
        stack.stop(second[0])

    stack.clock.after(100, wait_beside_it)
    stack.wait(stack.start_and_stop(request(), "first", 120))
    [waiter] = seen[0]["waiting"]
    assert (waiter["execution"], waiter["service"]) == (second[0], "checkout")
    [stranded] = command("status", "--json").json["stranded"]
    assert (stranded["service"], stranded["alive"]) == ("checkout", False)
    assert "its execution has ended" in command("status").out
    # The sweep puts it right, and finds what somebody moves after that.
    stack.lost.discard("ReconcileFunction")
    stack.pass_minutes(5)
    assert command("status").out == "everything is at rest\n"
    stack.cloud.write_foreign(40)
    stack.pass_minutes(3)
    [moved] = command("status", "--json").json["moved"]
    assert moved.startswith("appmesh/")
    assert f"{moved} is not at rest" in command("status").out


def test_a_release_that_waits_for_a_person_says_for_what(stack: World, command: Command) -> None:
    gated = request(profile=profile(promotion={"approval": True, "gate_seconds": 3_600}))
    needs: list[str] = []

    def look() -> None:
        [holder] = command("status", "--json").json["running"]
        needs.append(holder["needs"])
        stack.signal("promote")

    stack.clock.after(1_400, look)
    assert stack.release(gated).state == "Released"
    assert needs == ["it waits for a person: promote, resume, revert"]


def test_a_check_lists_all_that_it_finds(stack: World, command: Command) -> None:
    stack.cloud.set_alarm("example2-5xx", "ALARM")
    stack.cloud.write_foreign(40)
    stack.set_parameters(ClusterArns="arn:aws:ecs:us-east-1:123456789012:cluster/other")
    done = command("check", "checkout", *NEW, "--json")
    assert (done.code, done.json.keys()) == (1, keys(Checked))
    findings = done.json["findings"]
    assert len(findings) == 3
    for text in ("is not at rest", "is in ALARM already", "ClusterArns"):
        assert any(text in finding for finding in findings), text
    # The same without a version.
    assert set(command("check", "checkout", "--json").json["findings"]) == set(findings)
    text = command("check", "checkout").out
    assert all(f"refused: {finding}\n" in text for finding in findings)


def test_a_check_takes_a_profile_where_the_stack_does(
    stack: World, command: Command, tmp_path: Any
) -> None:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(profile(alarms=["nobody-knows-it"])))
    given = ("check", "new", "--profile", str(path))
    assert "nobody-knows-it" in command(*given).out
    stack.set_parameters(AllowInlineProfiles="DISABLED")
    assert "AllowInlineProfiles=ENABLED" in command(*given).err


def test_members_that_may_be_lost_are_the_stacks(stack: World, command: Command) -> None:
    stack.cloud.add_member()
    found = command("check", "checkout", "--json").json
    assert "MembersThatMayBeLost" in found["findings"][0]
    member = found["findings"][0].partition(" has ")[2].partition(",")[0]
    stack.set_parameters(MembersThatMayBeLost=member)
    found = command("check", "checkout", "--json").json
    assert (found["releasable"], len(found["warnings"])) == (True, 1)


def test_every_question_is_one_of_the_contract() -> None:
    from stepcanary.control.questions import QUESTIONS

    for kind, (model, _) in QUESTIONS.items():
        assert get_args(model.model_fields["question"].annotation) == (kind,)
