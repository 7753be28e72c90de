"""The watch by what it is answered: it shows what there is to see, and tells an end in any case."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from stepcanary_cli import times, watching
from stepcanary_cli.connecting import Connection, Place
from stepcanary_cli.failures import Misuse, Refused
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.views import Lines
from stepcanary_cli.watching import Watch
from tests.cli.test_terminal import BACK, BAKE, BEGAN, GATE, scene

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-release"
EXECUTION = MACHINE.replace(":stateMachine:", ":execution:") + ":release-2"
RUNNING = {"status": "RUNNING", "executionArn": EXECUTION, "input": '{"service": "checkout"}'}
RELEASED = {**RUNNING, "status": "SUCCEEDED", "output": '{"outcome": "Released", "cause": "all"}'}
STOPPED = {**RUNNING, "status": "ABORTED"}
NOTHING = Refused("release: the ledger has no document of it")
WAITS = {"waits": True, "offers": ["resume"]}


def story(told: list[tuple[int, str]], now: int, **changed: Any) -> dict[str, Any]:
    return {"picture": scene(told, now, **changed)["picture"]}


def queue(**place: Any) -> dict[str, Any]:
    waits = {"execution": EXECUTION, "since": BEGAN, **place}
    return {"running": [{"execution": "arn:x:release-1"}], "waiting": [waits]}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, list[str], list[str]]]:
    """Watch an execution that is described so, and of which these are the answers to `show` and to
    `status`; how it ended, what was said, and what was warned of."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.0)

    def watched(
        described: list[Any], shown: list[Any], status: list[Any] | None = None, **until: bool
    ) -> tuple[Any, list[str], list[str]]:
        answers = {"show": shown, "status": status or [NOTHING]}

        def ask(question: dict[str, Any]) -> Any:
            left = answers[question["question"]]
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        said: list[str] = []
        warned: list[str] = []
        made = Connection(Place(state_machine=MACHINE), print)
        made.__dict__.update(ask=ask, describe=lambda _execution: described.pop(0))
        ended = Watch(made, EXECUTION, Lines(said.append, warned.append)).until_end(**until)
        return ended, [line.strip() for line in said], warned

    return watched


def test_in_the_queue_it_is_said_behind_whom_and_how_to_leave_it(watch: Any) -> None:
    released = story(BAKE, 100, outcome="Released", ended_at=1_000 * (BEGAN + 100))
    ended, said, _ = watch(
        [RUNNING, RUNNING, RUNNING, RELEASED],
        [NOTHING, NOTHING, NOTHING, released],
        [NOTHING, queue(split="s"), queue(split="")],
    )
    assert ended.exit_code == Exit.DONE
    assert said[0] == "it is being planned"
    assert said[1].startswith("it waits for its turn, behind release-1, until ")
    assert said[1].endswith("; stepcanary withdraw checkout")
    assert said[2].startswith(
        "it waits to begin: another release was started just before; stepcanary"
    )
    assert any(line.endswith("canary 5 %") for line in said)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Misuse("you may not do Invoke"), "you may not"),
        ({"picture": None}, "older"),
        ({"picture": {"drawn_at": "soon"}}, "another version"),
    ],
)
def test_who_cannot_see_a_release_is_told_so_once_and_how_it_ended(
    watch: Any, answer: Any, text: str
) -> None:
    ended, said, [warned] = watch([RUNNING, RUNNING, RELEASED], [answer])
    assert (ended.exit_code, said) == (Exit.DONE, [])
    assert text in warned


def test_what_a_newer_stack_says_more_is_no_fault(watch: Any) -> None:
    newer = story(BAKE, 100)
    newer["picture"] |= {"mood": "good"}
    newer["picture"]["steps"][0]["colour"] = "blue"
    _, said, warned = watch([RELEASED], [newer])
    assert (warned, said[-1].endswith("at most")) == ([], True)


def test_of_an_execution_that_was_stopped_it_is_told_what_became_of_the_traffic(
    watch: Any,
) -> None:
    over = {"outcome": "Reverted", "cause": "Help closed it.", "ended_at": 1_000 * (BEGAN + 200)}
    ended, said, _ = watch(
        [RUNNING, STOPPED],
        [
            story(BAKE, 90, waits=True),
            story(BAKE, 100, alive=False),
            story([*BAKE, *BACK], 200, alive=False, **over),
        ],
    )
    assert ended.exit_code == Exit.STOPPED
    assert ended.cause.endswith("Its release ended Reverted: Help closed it.")
    assert "its execution has ended; Reconcile returns the traffic" in said


def test_where_nobody_helps_it_is_told_where_the_traffic_is(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AFTER_SECONDS", 0.0)
    ended, _, _ = watch([STOPPED], [story(BAKE, 100, alive=False, routes={"route x": "95:5"})])
    assert "has not returned yet: route x is at 95:5; see docs/runbook.md" in ended.cause


def test_a_gate_is_left_with_what_it_waits_for(watch: Any) -> None:
    shown = [story(BAKE, 90, waits=True), story(GATE, 380, **WAITS)]
    ended, said, _ = watch([RUNNING, RUNNING], shown, until_gate=True)
    assert (ended.outcome, ended.exit_code) == ("Waiting", Exit.PERSON)
    assert said[-1].endswith(": stepcanary resume checkout")


def test_a_gate_of_a_day_is_told_once_and_the_next_one_too(watch: Any) -> None:
    day = 86_400
    # Of the second gate another day, and the same time of it.
    again = [*GATE, (400, "weight 50"), (400, "settle"), (435, "bake"), (377 + day, "gate")]
    looks = [380, 380 + day // 2, 370 + day]
    shown = [story(GATE, now, **WAITS) for now in looks]
    shown += [story(again, now + day, **WAITS) for now in looks]
    _, said, _ = watch([RUNNING] * 5 + [RELEASED], shown)
    commands = [line for line in said if line.endswith(": stepcanary resume checkout")]
    dates = [re.search(r"until (\d{4}-\d\d-\d\d) ", line) for line in commands]
    assert len({found[1] for found in dates if found}) == len(commands) == 2


def test_a_place_in_the_queue_is_told_once_over_midnight(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = times.local(BEGAN).replace(hour=0, minute=0, second=0).timestamp()
    seconds = iter(range(-1_800, 7_200, 600))
    monkeypatch.setattr(times, "now", lambda: midnight + next(seconds))
    released = story(BAKE, 100, outcome="Released", ended_at=1_000 * (BEGAN + 100))
    waits = queue(split="s", since=midnight - 1_800)
    _, said, _ = watch([*[RUNNING] * 7, RELEASED], [*[NOTHING] * 7, released], [waits])
    assert len([line for line in said if "it waits for its turn" in line]) == 1


def test_one_looks_less_often_where_nothing_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    from stepcanary.domain.picture import Picture

    def pause(told: list[tuple[int, str]], now: int, **changed: Any) -> float:
        picture = Picture.model_validate(scene(told, now, **changed)["picture"], strict=False)
        return watching._pause(picture)

    assert pause(GATE, 380, **WAITS) == 10
    assert pause(BAKE, 370, waits=True) == watching.LOOK_SECONDS == watching._pause(None)
