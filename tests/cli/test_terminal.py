"""The watch on terminals of several widths: nothing is torn, and nobody else is obeyed."""

import re
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.drawing import Evidence, draw
from stepcanary.domain.judged import AlarmSeen, Judged
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.moments import read
from stepcanary.domain.picture import Tasks
from stepcanary.domain.signals import Signal
from stepcanary_cli import stories
from tests.cli.terminal import Screen, play
from tests.unit.examples import a_release

BEGAN = 1_795_478_400
HOSTILE = (
    "x\x1b[2J\x1b]0;owned\x07[bold red]:warning:[/]\u202egnp.exe\r\nReleased: forged\x9b31m\ufdd0"
)
JUDGING = Judging(metrics=[Metric(kind="errors", clusters=1), Metric(kind="latency", clusters=1)])
STEPS = [
    {"weight": 5, "bake_seconds": 300, "approval": True},
    {"weight": 50, "bake_seconds": 600},
    {"weight": 100, "bake_seconds": 300},
]
WIDTHS = pytest.mark.parametrize("columns", [60, 80, 140])
BAKE = [(10, "canary example2:7"), (40, "steady"), (41, "weight 5"), (41, "settle"), (76, "bake")]
GATE = [*BAKE, (377, "gate")]
BACK = [(400, "returning"), (401, "weight 0")]


def counted(*counts: tuple[int, int, int, int]) -> Compared:
    judge, found = judge_of(JUDGING, len(STEPS)), Compared().at_step(0, 0, 0)
    for number, each in enumerate(counts):
        both = {"errors": each, "latency": each}
        found = found.after(Row(at=60 * number, step=0, weight=5, counts=both), judge)
    return found


def scene(told: list[tuple[int, str]], now: int, **changed: Any) -> dict[str, Any]:
    """The picture of a release that began at 0 s, as it is `now`."""
    release = a_release(
        steps=STEPS,
        judge=JUDGING.model_dump(mode="json"),
        promotion={"gate_seconds": 86_400},
        warnings=changed.pop("warnings", []),
        by=changed.pop("by", "jane (claimed)"),
    )
    moments = read(f"{1_000 * (BEGAN + at)} {text}" for at, text in told)
    tasks: dict[Any, Tasks] = {
        "primary": Tasks(service="example1", revision="example1:6", desired=12, running=12),
        "canary": Tasks(service="example2", revision="example2:7", desired=2, running=1),
    }
    found = Evidence(
        release,
        now=1_000 * (BEGAN + now),
        started_at=1_000 * BEGAN,
        moments=moments,
        phase="rollout",
        outcome="Running",
        compared=counted((1_234, 3, 22_345, 40), (1_111, 0, 21_000, 33)),
        tasks=tasks,
        routes={"rule 7 of listener arn:aws:elasticloadbalancing:eu-west-1:1:l/app/shop/1": "95:5"},
    )
    picture = draw(replace(found, **changed)).model_dump(mode="json")
    return {"now": BEGAN + now, "picture": picture}


def verdict(at: int, following: Any, reason: str) -> Judged:
    return Judged(at=1_000 * (BEGAN + at), step=0, weight=5, next=following, reason=reason)


def once(screen: Screen, text: str) -> None:
    """Each picture was written over the one before."""
    assert screen.text.count(text) == 1, screen.text


@WIDTHS
def test_a_gate_is_shown_with_its_commands_and_its_time(columns: int) -> None:
    waits = {"waits": True, "wait": 377, "offers": ["promote", "resume", "revert"]}
    bakes = [scene(BAKE, now, waits=True, offers=["promote"]) for now in (80, 90, 200)]
    gate = verdict(376, "gate", "the alarm is OK")
    screen = play(
        [*bakes, scene(GATE, 380, verdicts=[gate], **waits), {"now": BEGAN + 440}], columns=columns
    )
    once(screen, "a gate: it waits for a person")
    once(screen, "stepcanary resume checkout")
    once(screen, "step 1 of 3")
    flat = " ".join(screen.text.split())
    assert "(23 h 58 min left)" in flat
    assert "a person decides: the alarm is OK" in flat
    assert "shop:v2" in flat and "2,345" in flat


@WIDTHS
def test_a_queue_says_behind_whom_and_until_when(columns: int) -> None:
    queued = {
        "service": "checkout",
        "execution": "arn:x",
        "why": "it waits for its turn, behind release-checkout-1795716444256123477",
        "since": BEGAN,
        "until": BEGAN + 14_400,
        "commands": ["withdraw"],
    }
    screen = play([{"now": BEGAN + 60 * n, "queued": queued} for n in range(3)], columns=columns)
    once(screen, "it waits for its turn")
    once(screen, "stepcanary withdraw checkout")
    assert "3 h 58 min left" in " ".join(screen.text.split())


@WIDTHS
def test_a_revert_is_shown_to_its_end(columns: int) -> None:
    alarm = Signal(kind="revert", reason="it fired", by="alarm example2-5xx", at=BEGAN + 399)
    back = {"phase": "returning", "signals": [alarm]}
    over = {
        "outcome": "Reverted",
        "cause": "All traffic is on the primary again. " + "It was a long story. " * 12,
        "ended_at": 1_000 * (BEGAN + 450),
        "tasks": {},
        "routes": {},
    }
    told = [*BAKE, *BACK]
    screen = play(
        [
            scene(BAKE, 200, waits=True),
            scene(told, 402, **back),
            scene([*told, (440, "rested")], 451, **back, **over),
        ],
        columns=columns,
    )
    flat = " ".join(screen.text.split())
    assert "revert by alarm example2-5xx: it fired" in flat
    assert "✕ 5 % ━" in flat
    assert "✓" not in flat
    assert "Reverted" in flat and "after 7 min 30 s" in flat
    assert flat.count("All traffic is on the primary again.") == 1
    assert "at rest 00:07:20" in flat.replace(f"{BEGAN}", "")


@WIDTHS
def test_of_an_execution_that_was_stopped_it_is_told_what_became(columns: int) -> None:
    ended = {"outcome": "Reverted", "cause": "Help from outside closed this release."}
    screen = play(
        [
            scene(BAKE, 100, waits=True),
            scene(BAKE, 110, alive=False),
            scene([*BAKE, *BACK], 420, alive=False, **ended, ended_at=1_000 * (BEGAN + 420)),
        ],
        columns=columns,
    )
    once(screen, "Help from outside closed this release.")
    assert "Reconcile returns" not in screen.text
    stopped = play([scene(BAKE, 110, alive=False)], columns=columns)
    assert "its execution has ended; Reconcile returns the traffic" in " ".join(
        stopped.text.split()
    )
    assert "at work" not in stopped.text


@WIDTHS
def test_a_lost_connection_is_told_in_the_picture_and_forgotten(columns: int) -> None:
    lost = {"now": BEGAN + 90, "note": "AWS does not answer; trying again for 60 s"}
    found = {"now": BEGAN + 95, "note": "AWS answers again"}
    screen = play([scene(BAKE, 80, waits=True), lost], columns=columns)
    once(screen, "AWS does not answer; trying again for 60 s")
    once(screen, "step 1 of 3")
    again = play([scene(BAKE, 80, waits=True), lost, found], columns=columns)
    assert "does not answer" not in again.text


@WIDTHS
def test_nothing_that_others_say_is_obeyed(columns: int) -> None:
    signal = Signal(kind="pause", reason=HOSTILE[:200], by=HOSTILE, at=BEGAN + 90)
    told = [*BAKE, (95, "foreign " + HOSTILE.replace("\r\n", " "))]
    shown = scene(
        told,
        100,
        signals=[signal],
        by=HOSTILE,
        cause=HOSTILE,
        warnings=[HOSTILE],
        routes={HOSTILE: HOSTILE},
    )
    picture = shown["picture"]
    picture |= dict.fromkeys(("service", "before", "version", "outcome"), HOSTILE)
    picture["metrics"] = [{**each, "metric": HOSTILE} for each in picture["metrics"]]
    over = {**shown, "picture": {**picture, "phase": "over", "ended_at": picture["drawn_at"]}}
    queue = {"service": HOSTILE, "execution": HOSTILE, "why": HOSTILE, "commands": ["withdraw"]}
    screen = play([{"now": 0, "queued": queue}, shown, over], columns=columns)
    # Markup is text, and no line is one of ours.
    joined = "".join(screen.text.split())
    assert "[boldred]:warning:[/]" in joined
    assert not any(line.startswith("Released") for line in screen.lines)
    assert r"\u202e" in joined


@WIDTHS
def test_what_was_not_read_and_whose_budget_it_is_are_shown_and_nobodys_markup(
    columns: int,
) -> None:
    shown = scene(BAKE, 100)
    picture = shown["picture"]
    once(play([shown], columns=columns), "until it reverts")
    assert "could not be read" not in play([shown], columns=columns).text
    picture["metrics"] = [{**each, "metric": HOSTILE, "unread": 12} for each in picture["metrics"]]
    picture["exposure"] |= {"metric": "other", "bounded": HOSTILE}
    flat = "".join(play([shown], columns=columns).text.split())
    assert flat.count("12linesofitslogcouldnotberead") == len(picture["metrics"])
    [before] = re.findall("badanswersofthecanarysofar:3of2,345(.*)untilitreverts", flat)
    assert before.startswith(r"byx\x1b[2J")
    assert ":warning:[/]" in before


def test_show_tells_what_an_alarm_that_fired_has_seen() -> None:
    saw = "Threshold Crossed: 1 datapoint [12.0]"
    alarms = [
        AlarmSeen(name="five", state="ALARM", fired=True, reason=f"{saw} {HOSTILE}"),
        AlarmSeen(name="six", state="OK", reason="1 datapoint [0.0]"),
    ]
    found = verdict(376, "revert", "it fired").model_copy(update={"alarms": alarms})
    console = Console(width=400, record=True, file=StringIO())
    console.print(stories.story(scene(GATE, 380, verdicts=[found]), 400))
    [line] = [line for line in console.export_text().splitlines() if line.startswith("alarm five")]
    assert line.startswith(f"alarm five fired: {saw} x\\x1b[2J")
    assert "[bold red]" in line
    assert "alarm six" not in console.export_text()


def test_a_low_terminal_keeps_the_top_and_has_the_end_in_full() -> None:
    """A picture that is higher than the screen could not be written over."""
    shown = [scene(BAKE, now, waits=True, warnings=["too many"] * 30) for now in (80, 90)]
    screen = play(shown, columns=60, rows=12)
    assert screen.text.count("too many") == 30
    once(screen, "step 1 of 3")
