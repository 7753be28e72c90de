"""Acts are executions, and the exit code tells how they ended."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepcanary_cli import watching
from stepcanary_cli.outcomes import EXITS, Exit, ended
from tests.builders import profile
from tests.cli.conftest import Command
from tests.eventually import within
from tests.statemachine.runner import World

NEW = ("release", "checkout", "--image", "app=shop:v2")
eventually = within(30)
GATED = {"promotion": {"approval": True, "gate_seconds": 600}}


def assert_soon(event: threading.Event) -> None:
    assert event.wait(30)


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def store(here: World, **changed: Any) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile(**changed))


def test_a_release_that_is_released(stack: World, command: Command) -> None:
    done = command(*NEW, "--by", "jane")
    assert (done.code, done.err) == (Exit.DONE, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("the release of checkout was started: arn:aws:states:")
    assert any(line.endswith("it goes on: the alarm is OK") for line in lines)
    assert any(line.endswith("canary 50 %") for line in lines)
    assert lines[-1] == "Released: The primary serves shop:v2."
    [past] = command("history", "checkout", "--json").json["releases"]
    assert past["by"] == "jane (claimed)"


def test_all_is_told_once_however_seldom_one_looks(stack: World, command: Command) -> None:
    lines = [line[10:] for line in command(*NEW).out.splitlines()[1:-1]]
    told = [line for line in lines if line != "is being planned"]
    weights = [line for line in told if line.startswith("canary ")]
    assert weights == ["canary 5 %", "canary 50 %", "canary 100 %", "canary 0 %"]
    verdicts = [line.partition(":")[0] for line in told if "the alarm is OK" in line]
    assert verdicts == ["it goes on", "it goes on", "it is promoted"]
    assert told[-1] == "all weight was read on the primary"


def test_each_change_is_a_document_on_a_line(stack: World, command: Command) -> None:
    lines = command(*NEW, "--json", "--lines").out.splitlines()
    *changes, end = (json.loads(line) for line in lines)
    assert (end["outcome"], end["exit_code"]) == ("Released", 0)
    told = [event["text"] for change in changes for event in change.get("events", [])]
    assert [text for text in told if text.startswith("canary ")][-1] == "canary 0 %"
    assert len({json.dumps(change) for change in changes}) == len(changes)
    assert changes[-1]["picture"]["outcome"] == "Released"


def test_a_release_that_is_reverted(stack: World, command: Command) -> None:
    stack.clock.after(100, lambda: stack.cloud.set_alarm("example2-5xx", "ALARM"))
    done = command(*NEW)
    assert done.code == Exit.REVERTED
    assert done.out.splitlines()[-1].startswith("Reverted: All traffic is on the primary again.")


def test_a_release_says_where_its_version_comes_from(stack: World, command: Command) -> None:
    pushed_at = (stack.clock.now() - timedelta(seconds=90)).isoformat()
    link = "https://github.com/acme/shop/pull/7"
    origin = ("--commit", "4f0c2d1", "--pushed-at", pushed_at, "--link", link)
    assert command(*NEW, *origin).code == Exit.DONE
    found = command("history", "checkout", "--json").json
    (past,) = found["releases"]
    assert (past["commit"], past["pushed_at"], past["link"]) == ("4f0c2d1", pushed_at, link)
    assert 90 + past["seconds"] <= found["delivery"]["lead_seconds"] < 200 + past["seconds"]
    assert found["summary"].startswith("1 change, 0 failed (0 %); lead time ")
    refused = command(*NEW, "--link", "javascript:alert(1)")
    assert refused.code == Exit.REJECTED
    assert "link: must be like https://" in refused.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((*NEW, "--link", "javascript:alert(1)"), "link: must be like https://"),
        ((*NEW, "--commit", "\x1b[31m"), "commit: must be like"),
        ((*NEW, "--by", "x" * 300), "by: must have at most 256 characters"),
        ((*NEW, "--by", "\udcff"), "by: has half a character in it"),
        (("release", "checkout", "--image", "foo=bar"), "images.foo"),
        ((*NEW, "--task-definitions", "a:1", "b:1"), "either images or task_definitions"),
        (("rollback", "checkout", "--to", "x" * 401), "to: must have at most 400"),
        (("release", "a b", "--image", "app=shop:v2"), "service: "),
        (("pause", "checkout", "--reason", "x" * 1_001), "reason: must have at most 1000"),
    ],
)
def test_what_no_stack_takes_is_refused_before_anything_is_started(
    words: tuple[str, ...], why: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no AWS to be asked, and nobody has waited for its answer."""
    monkeypatch.delenv("STATE_MACHINE", raising=False)
    detach = ("--detach",) if words[0] in ("release", "rollback") else ()
    done = command(*words, *detach)
    assert (done.code, done.out) == (Exit.REJECTED, ""), done.err
    assert why in done.err


def test_what_a_profile_may_say_is_for_the_stack_to_know(
    stack: World, command: Command, tmp_path: Path
) -> None:
    """It may be newer than the command."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({**profile(), "mood": "calm"}))
    done = command(*NEW, "--profile", str(path))
    assert done.code == Exit.REJECTED
    assert "was started: arn:" in done.out
    assert "Rejected: " in done.out


def test_a_release_that_is_rejected(stack: World, command: Command) -> None:
    done = command("release", "checkout", "--image", "app=other:v1")
    assert (done.code, done.err) == (Exit.REJECTED, "")
    assert "none of the service's repositories" in done.out


def test_a_release_of_a_service_that_nobody_knows(stack: World, command: Command) -> None:
    for words in (("release", "chekout", "--image", "app=shop:v2"), ("promote", "chekout")):
        done = command(*words)
        assert done.code == Exit.REJECTED
        assert "Services that have one: checkout" in done.err


def test_a_release_that_needs_a_person(stack: World, command: Command) -> None:
    store(stack, promotion={"gate_seconds": 60, "on_failure_timeout": "stay"})
    stack.cloud.broken_images = {("example1", "shop:v2")}
    done = command(*NEW)
    assert (done.code, done.out.splitlines()[-1].split(":")[0]) == (Exit.PERSON, "PromotionFailed")


def test_a_release_whose_execution_is_stopped(stack: World, command: Command) -> None:
    def stop() -> None:
        [running] = stack.sfn.list_executions(stateMachineArn=stack.machine)["executions"]
        stack.stop(running["executionArn"])

    stack.clock.after(100, stop)
    done = command(*NEW)
    assert done.code == Exit.STOPPED
    assert "Reconcile returns the traffic" in done.out


def test_who_wants_to_leaves_at_the_gate(stack: World, command: Command) -> None:
    store(stack, **GATED)
    left = threading.Event()
    # Nobody answers the gate before it was seen.
    stack.clock.after(1_300, lambda: assert_soon(left))
    done = command(*NEW, "--until-gate", "--json")
    left.set()
    assert (done.code, done.json["outcome"]) == (Exit.PERSON, "Waiting")
    assert ": stepcanary promote|resume|revert checkout" in done.err
    # It goes on, and the world is there until it has ended.
    assert stack.wait(done.json["execution"]).state == "Reverted"


def test_ctrl_c_leaves_a_release_that_goes_on(stack: World, command: Command) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching.Watch, "_look", interrupted)
        done = command(*NEW)
    assert done.code == Exit.INTERRUPTED
    assert "`stepcanary watch checkout` shows it, and `stepcanary revert checkout`" in done.err
    assert stack.wait(done.out.split()[-1]).state == "Released"


def test_a_release_of_nothing_starts_no_execution(stack: World, command: Command) -> None:
    done = command("release", "checkout")
    assert (done.code, done.out) == (Exit.MISUSE, "")
    assert "name the new version with --image CONTAINER=IMAGE" in done.err
    assert not stack.sfn.list_executions(stateMachineArn=stack.machine)["executions"]


def test_detached_it_goes_on_by_itself(stack: World, command: Command) -> None:
    done = command(*NEW, "--detach")
    assert done.code == Exit.DONE
    assert stack.wait(done.out.split()[-1]).state == "Released"
    again = command("rollback", "checkout", "--detach", "--json")
    assert again.json["outcome"] == "Started"
    assert stack.wait(again.json["execution"]).state == "Released"


@pytest.mark.parametrize(
    ("alarmed", "code", "outcome"),
    [(False, Exit.DONE, "Released"), (True, Exit.REVERTED, "Reverted")],
)
def test_a_promotion_waits_for_the_end_of_the_release(
    stack: World, command: Command, alarmed: bool, code: Exit, outcome: str
) -> None:
    store(stack, **GATED)
    found: list[Any] = []

    promoting = threading.Thread(
        target=lambda: found.append(command("promote", "checkout", "--wait", "--json"))
    )

    def promote() -> None:
        """Virtual time goes on once the signal has arrived."""
        promoting.start()
        eventually(lambda: stack.signals("release-1") != [])
        if alarmed:
            stack.cloud.set_alarm("example2-5xx", "ALARM")

    stack.clock.after(100, promote)
    stack.wait(stack.start({"service": "checkout", "images": {"app": "shop:v2"}}, "release-1"))
    promoting.join(30)
    assert (found[0].code, found[0].json["outcome"]) == (code, outcome)


def test_the_json_of_an_act(stack: World, command: Command) -> None:
    done = command("shift", "checkout", "0", "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"execution", "outcome", "cause", "answer", "exit_code"}
    assert done.json["answer"]["action"] == "shift"
    failed = command("withdraw", "checkout", "--json")
    assert (failed.json["outcome"], failed.json["exit_code"]) == ("Rejected", 1)


def test_a_watch_of_what_does_not_run(stack: World, command: Command) -> None:
    done = command("watch", "checkout")
    assert done.code == Exit.REJECTED
    assert "no release of checkout is running or waits" in done.err
    missing = command("watch", f"{stack.arn('nobody')}")
    assert missing.code == Exit.MISUSE
    assert "`stepcanary history SERVICE` lists releases" in missing.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--image", "app=shop:v2", "--image", "app=shop:v3"), "container app is named twice"),
        (("--image", "shop:v2"), "write CONTAINER=IMAGE"),
        (("--image", "=shop:v2"), "write CONTAINER=IMAGE"),
        (("--profile", "BROKEN"), "is no JSON, line 2, column 12"),
        (("--profile", "DEEP"), "brackets too deep or a number too long"),
        (("--profile", "LONG"), "brackets too deep or a number too long"),
        # What Windows writes is read like any other.
        (("--profile", "MARKED"), "has to be a JSON object"),
        (("--profile", "WIDE"), "has to be a JSON object"),
        (("--profile", "LIST"), "has to be a JSON object"),
        (("--profile", "LATIN"), "is no text in UTF-8"),
        (("--profile", "/nonexistent"), "No such file"),
    ],
)
def test_misuse_is_told_before_anything_starts(
    stack: World, command: Command, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    files = {
        "BROKEN": b'{"cluster": "x",\n"primary": }',
        "DEEP": b"[" * 100_000,
        "LATIN": b'{"a": "\xe9"}',
        "LIST": b"[]",
        "LONG": b'{"a": ' + b"9" * 5_000 + b"}",
        "MARKED": b"\xef\xbb\xbf[]",
        "WIDE": "[]".encode("utf-16"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    words = tuple(str(tmp_path / word) if word in files else word for word in words)
    done = command("release", "checkout", *words)
    assert text in done.err
    assert done.code == Exit.MISUSE
    assert stack.sfn.list_executions(stateMachineArn=stack.machine)["executions"] == []


def test_options_stand_before_or_after_the_command(stack: World, command: Command) -> None:
    assert command("--json", "status").json == command("status", "--json").json
    done = command("--by", "jane", "shift", "--by", "john", "checkout", "0", "--json")
    assert "by john (claimed)" in done.json["answer"]["did"]


def test_every_outcome_of_the_ledger_has_its_exit_code() -> None:
    from typing import get_args

    from stepcanary.domain.outcome import ReleaseOutcome

    assert {*get_args(ReleaseOutcome), "Rejected"} <= EXITS.keys()
    codes = [EXITS[name] for name in ("Released", "Rejected", "Reverted", "RevertFailed")]
    assert codes == [0, 1, 3, 4]


def test_an_execution_that_failed_by_itself_is_none_of_them() -> None:
    described = {"executionArn": "a", "status": "FAILED", "error": "States.Runtime", "cause": "x"}
    assert ended(described).exit_code == Exit.STOPPED
    assert ended({"executionArn": "a", "status": "TIMED_OUT"}).exit_code == Exit.STOPPED
