"""Facts of a good, a bad, a held and gated, and a running release, drawn from their evidence."""

from collections.abc import Callable
from typing import Any

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.drawing import Evidence, draw
from stepcanary.domain.judged import AlarmSeen, Judged, seen
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.moments import read
from stepcanary.domain.picture import ImageChange, Said, Tasks, Wait
from stepcanary.domain.signals import Signal
from stepcanary.report.facts import Facts
from stepcanary_cli.outcomes import Answer
from tests.unit.examples import EXECUTION, a_release

BEGAN = 1_795_700_000
"""In epoch seconds."""
DIGEST = "@sha256:" + 32 * "a1"
STEPS = [
    {"weight": 5, "bake_seconds": 300},
    {"weight": 25, "bake_seconds": 600},
    {"weight": 50, "bake_seconds": 600, "approval": True},
    {"weight": 100, "bake_seconds": 300},
]
JUDGING = Judging(
    metrics=[Metric(kind="errors", clusters=1), Metric(kind="latency", clusters=1, observe=True)]
)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;</style>\x1b[31m\u202e`"
Told = tuple[int, str]
Counted = tuple[int, int, int]
"""The canary's bad answers of a thousand, how many minutes, and the weight."""


def rows_of(*counted: Counted) -> list[Row]:
    rows: list[Row] = []
    for step, (bad, minutes, weight) in enumerate(counted):
        for _ in range(minutes):
            number = len(rows)
            canary = 20 * weight + number % 7
            primary = 20 * (100 - weight)
            errors = (canary, canary * bad // 1_000 + number % 2, primary, primary // 500)
            slow = (canary, canary // 50, primary, primary // 60)
            at = BEGAN + 60 * (2 + number)
            counts = {"errors": errors, "latency": slow}
            rows.append(Row(at=at, step=step, weight=weight, counts=counts))
    return rows


def compared(rows: list[Row]) -> Compared:
    judge, found = judge_of(JUDGING, len(STEPS)), Compared()
    for row in rows:
        found = found.at_step(row.step, row.at, row.at).after(row, judge)
    return found


def verdict(at: int, step: int, next_: Any, reason: str, rows: list[Row]) -> Judged:
    return Judged(
        at=1_000 * (BEGAN + at),
        step=step,
        weight=STEPS[step]["weight"],
        next=next_,
        reason=reason,
        alarms=[AlarmSeen(name="checkout-5xx", state="OK")],
        metrics=seen(JUDGING, len(STEPS), compared(rows)),
    )


def facts_of(
    *told: Told,
    rows: list[Row],
    outcome: str,
    ended: int | None,
    signals: list[Signal] | None = None,
    verdicts: list[Judged] | None = None,
    history: list[Answer] | None = None,
    **changed: Any,
) -> Facts:
    release = a_release(
        execution=EXECUTION,
        steps=STEPS,
        alarms=["checkout-5xx"],
        promotion={"gate_seconds": 86_400},
        judge=JUDGING.model_dump(mode="json"),
        primary={
            "service": "example1",
            "task_definition": "arn:aws:ecs:x:1:task-definition/primary:1",
            "content": {"app": "shop:v1" + DIGEST},
        },
        **changed,
    )
    picture = draw(
        Evidence(
            release,
            now=1_000 * (BEGAN + (ended or 700)),
            started_at=1_000 * BEGAN,
            moments=read(f"{1_000 * (BEGAN + at)} {text}" for at, text in told),
            phase="rollout",
            signals=signals or [],
            verdicts=verdicts or [],
            compared=compared(rows),
            changes=["app cpu: 256 to 512", "app environment FEATURE_X: added"],
            content={"app": "shop:v2" + DIGEST},
            outcome=outcome,
            cause={
                "Released": "The primary serves shop:v2.",
                "Reverted": "All traffic is on the primary again.",
            }.get(outcome, ""),
            ended_at=None if ended is None else 1_000 * (BEGAN + ended),
            waits=ended is None,
            offers=["promote", "resume", "revert"] if ended is None else (),
            tasks={"canary": Tasks(service="example2", revision="canary:2", desired=2, running=1)}
            if ended is None
            else {},
        )
    )
    past = a_past(0, outcome, BEGAN, ended)
    return Facts(
        picture=picture,
        past=past,
        rows=rows,
        history=history if history is not None else pasts(past),
        summary="2 of 12 changes failed (17 %).",
    )


def a_past(number: int, outcome: str, began: int, took: int | None) -> Answer:
    return {
        "execution": EXECUTION if not number else f"{EXECUTION}-{number}",
        "service": "checkout",
        "outcome": outcome,
        "cause": "",
        "by": "jane",
        "started_at": began,
        "ended_at": None if took is None else began + took,
        "seconds": took,
        "commit": "4f2c1e9",
        "pushed_at": "2026-11-26T10:00:00Z",
        "link": "https://ci.example/builds/17",
    }


def pasts(first: Answer) -> list[Answer]:
    ends = ["Released", "Released", "Reverted", "Released", "PromotionFailed", "Shifted"]
    older = [
        a_past(n, ends[n % 6], BEGAN - 86_400 * n, 60 * (3 + 7 * n % 40)) for n in range(1, 20)
    ]
    return [first, *older]


OPENED: tuple[Told, ...] = (
    (10, "canary canary:2"),
    (70, "steady"),
    (75, "weight 5"),
    (75, "settle"),
    (110, "bake"),
)


def a_bad() -> Facts:
    rows = rows_of((180, 3, 5))
    reverts = verdict(300, 0, "revert", "errors: the canary is worse", rows)
    told = (*OPENED, (301, "returning"), (302, "weight 0"), (340, "rested"))
    return facts_of(*told, rows=rows, outcome="Reverted", ended=345, verdicts=[reverts])


def a_good(**changed: Any) -> Facts:
    rows = rows_of((2, 6, 5), (2, 11, 25), (2, 11, 50), (2, 6, 100))
    told = (
        *OPENED,
        (415, "weight 25"),
        (415, "settle"),
        (450, "bake"),
        (1_060, "weight 50"),
        (1_060, "settle"),
        (1_095, "bake"),
        (1_696, "gate"),
        (1_800, "weight 100"),
        (1_800, "settle"),
        (1_835, "bake"),
        (2_140, "primary primary:2"),
        (2_300, "returning"),
        (2_301, "weight 0"),
        (2_340, "rested"),
    )
    resumed = Signal(kind="resume", by="jane", reason="looks well", at=BEGAN + 1_799)
    return facts_of(
        *told,
        rows=rows,
        outcome="Released",
        ended=2_400,
        signals=[resumed],
        verdicts=[
            verdict(410, 0, "shift", "the alarm is OK", rows[:5]),
            verdict(1_055, 1, "shift", "the alarm is OK", rows[:16]),
            verdict(1_695, 2, "gate", "the alarm is OK", rows[:27]),
            verdict(2_138, 3, "promote", "the alarm is OK, the canary is good", rows),
        ],
        **changed,
    )


def a_held() -> Facts:
    """A bake that was repeated twice, then a day at a gate, and a revert by a person."""
    rows = rows_of((2, 16, 5), (3, 11, 25), (3, 11, 50))
    told = (
        *OPENED,
        (415, "bake"),
        (720, "bake"),
        (1_030, "weight 25"),
        (1_030, "settle"),
        (1_065, "bake"),
        (1_670, "weight 50"),
        (1_671, "foreign somebody else wrote 80:20 to the route checkout"),
        (1_671, "settle"),
        (1_706, "bake"),
        (2_310, "gate"),
        (62_000, "returning"),
        (62_001, "weight 0"),
        (62_040, "rested"),
    )
    john = Signal(kind="revert", by="john", reason="a customer has called", at=BEGAN + 61_999)
    return facts_of(
        *told,
        rows=rows,
        outcome="Reverted",
        ended=62_045,
        signals=[john],
        verdicts=[
            verdict(411, 0, "bake", "the alarm has no data", rows[:3]),
            verdict(716, 0, "bake", "the alarm has no data", rows[:9]),
            verdict(1_026, 0, "shift", "the alarm is OK", rows[:15]),
            verdict(1_668, 1, "shift", "the alarm is OK", rows[:26]),
            verdict(2_308, 2, "gate", "the alarm is OK", rows),
        ],
    )


def a_gated() -> Facts:
    """One that waits at its gate right now."""
    rows = rows_of((2, 5, 5))
    told = (*OPENED, (415, "weight 50"), (415, "settle"), (450, "bake"), (600, "gate"))
    return facts_of(*told, rows=rows, outcome="Running", ended=None)


def a_young() -> Facts:
    """One that has counted nothing yet."""
    return facts_of(OPENED[0], rows=[], outcome="Running", ended=None, history=[])


def a_hostile(said: str = HOSTILE) -> Facts:
    """One in which whatever others have a say in is this."""
    facts = a_held()
    picture = facts.picture
    step = picture.steps[0]
    began = picture.started_at
    wait = Wait(kind="gate", at=began, until=began, ended_at=began + 1_000, ended_by=said)
    alarm = AlarmSeen(name=said, state="ALARM", fired=True, reason=said, blind=said)
    update = {"reason": said, "alarms": [alarm]}
    verdicts = [v.model_copy(update=update) for v in step.verdicts]
    step = step.model_copy(update={"verdicts": verdicts, "waits": [wait]})
    metrics = [m.model_copy(update={"metric": said, "unread": 3}) for m in picture.metrics]
    assert picture.exposure is not None
    changed = picture.model_copy(
        update={
            **dict.fromkeys(
                ("execution", "service", "by", "before", "version", "outcome", "cause"), said
            ),
            "steps": [step, *picture.steps[1:]],
            "metrics": metrics,
            "exposure": picture.exposure.model_copy(update={"metric": said, "bounded": f"{said}2"}),
            "signals": [Signal(kind="revert", by=said, reason=said, at=BEGAN)],
            "foreign": [Said(at=began, source="foreign", reason=said)],
            "images": [ImageChange(container=said, before=said, after=said)],
            "changes": [said],
            "warnings": [said],
            "alarms": [said],
            "deployed": [each.model_copy(update={"revision": said}) for each in picture.deployed],
        }
    )
    names = dict.fromkeys(("execution", "outcome", "by", "commit"), said)
    past = {**facts.history[0], **names, "link": f"javascript:alert(1)//{said}"}
    rows = [row.model_copy(update={"counts": {said: (1, 1, 1, 1)}}) for row in facts.rows]
    return Facts(changed, past, rows, [past], said)


EXAMPLES: dict[str, Callable[[], Facts]] = {
    "bad": a_bad,
    "good": a_good,
    "gated": a_gated,
    "held": a_held,
    "hostile": a_hostile,
    "young": a_young,
}
