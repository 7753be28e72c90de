"""The checks of what others do in mid-release: each can fail, and says at what."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.demo import checks, evidence_checks
from sandbox.demo.checks import Report

Check = Callable[[Report], list[str]]


def report(**more: Any) -> Report:
    """Of a release that was reverted, and of which nothing is left."""
    v1 = {"name": "example1:1", "image": "shop:v1", "status": "ACTIVE", "tags": {}}
    return {
        "split": {"primary": 100, "canary": 0},
        "weights": [0, 50, 100, 0],
        "canary_tasks": 0,
        "primary_image_before": "shop:v1",
        "primary_image": "shop:v1",
        "primary_before": v1,
        "primary": v1,
        "standing": [],
        "errors": 0,
        "errors_began": None,
        "errors_ended": None,
        "look_seconds": 1.0,
        "promotions": 0,
        "gates": 0,
        "acts": [7.5],
        "signals": ["revert by the sweep"],
        **more,
    }


def lost(**more: Any) -> Report:
    cause = "the canary cannot carry 100 %: 0 of 2 tasks that example2 needs for 100 % run."
    failed = {"errors": 100, "errors_began": 7.52, "errors_ended": 9.0}
    return report(**{"cause": cause, "gates": 1, **failed, **more})


def hotfixed(**more: Any) -> Report:
    cause = "somebody else deployed example1:2 to the primary example1."
    primary = {"name": "example1:2", "image": "shop:v20", "status": "ACTIVE", "tags": {}}
    found = {"primary": primary, "primary_image": "shop:v20", "weights": [0, 50, 0]}
    return report(**{"cause": cause, **found, **more})


BOUNDS = {"example1": {"minimum": 1, "maximum": 8, "suspended": []}}
RAISED = {"example1": {"minimum": 4, "maximum": 8, "suspended": []}}


def shrunk(**more: Any) -> Report:
    """The canary turned bad at 100 %, and the primary still had its tasks."""
    cause = "RevertRequested: revert by alarm example2-5xx: Threshold crossed"
    counts = {"requests": 8000, "errors": 130, "errors_from_canary": 130}
    found = {"refused": 0, "refused_by_canary": 0, "scaled": []}
    scaling = {"scaling_before": BOUNDS, "scaling": BOUNDS}
    return report(**{"cause": cause, **counts, **found, **scaling, **more})


def promoting(**more: Any) -> Report:
    """The version turned bad while the primary rolled."""
    cause = "RevertRequested: revert by alarm example2-5xx: Threshold crossed"
    counts = {"errors": 590, "promotions": 1}
    fired = {"source": "example2-5xx", "seconds": 2.0}
    seen = {"failed_requests": 590, "first_bad": 8.3, "seconds_to_weight_0": 4.9}
    return report(**{"cause": cause, "exposure": {**seen, "sources": [fired]}, **counts, **more})


def signalled(**more: Any) -> Report:
    """The canary turned bad, and its log told it."""
    cause = "RevertRequested: logs: the canary gave 60 of 80 bad answers; evidence 12,000"
    found = {"bakes": 1, "fired": [], "alarms": ["example2-slow"]}
    counts = {"errors": 75, "errors_from_canary": 75}
    return report(**{"cause": cause, "exposure": logged(), **found, **counts, **more})


def logged(**more: Any) -> Report:
    sources = [{"source": "logs", "requests": 80, "bad": 60}]
    seen = {"failed_requests": 75, "first_bad": 6.1, "seconds_to_weight_0": 5.2}
    return {**seen, "sources": sources, **more}


LATE: dict[str, Any] = {**promoting()["exposure"], "seconds_to_weight_0": 5.1}
UNSEEN = {"failed_requests": 0, "first_bad": None}
SCALED_IN = [{"at": 15.3, "service": "example1", "tasks": 1}]


def copied(**more: Any) -> Report:
    before = {"name": "example1:1", "image": "shop:v1", "status": "INACTIVE", "tags": {}}
    copy = {**before, "name": "example1:4", "status": "ACTIVE"}
    copy["tags"] = {"stepcanary-copy-of": "example1:1"}
    return report(**{"primary_before": before, "primary": copy, "promotions": 1, **more})


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (checks.canary_lost, lost()),
        (checks.hotfix_kept, hotfixed()),
        (checks.restored_by_copy, copied()),
        (checks.capacity_kept, shrunk()),
        (checks.capacity_lost, shrunk(refused=335, scaled=SCALED_IN)),
        (checks.returned_in_promotion, promoting()),
        (evidence_checks.signalled_fast, signalled()),
    ],
)
def test_nothing_is_wrong_with_what_should_be(check: Check, good: Report) -> None:
    assert check(good) == []


MOVED: dict[str, Any] = {"split": {"primary": 50, "canary": 50}}
RELEASED = {**hotfixed()["primary"], "image": "shop:v17"}


@pytest.mark.parametrize(
    ("check", "bad", "word"),
    [
        (checks.canary_lost, lost(**MOVED), "the split"),
        (checks.capacity_kept, shrunk(scaling=RAISED), "'minimum': 4"),
        (evidence_checks.signalled_fast, signalled(**MOVED), "the split"),
        (evidence_checks.signalled_fast, signalled(bakes=2), "2 times"),
        (evidence_checks.signalled_fast, signalled(fired=["example2-slow"]), "no judge"),
        (evidence_checks.signalled_fast, signalled(errors=76), "canary did not serve"),
        (evidence_checks.signalled_fast, signalled(cause="RevertRequested."), "the cause"),
        (evidence_checks.signalled_fast, signalled(exposure=UNSEEN), "nothing was shown"),
        (
            evidence_checks.signalled_fast,
            signalled(exposure=logged(seconds_to_weight_0=10.0)),
            "weight for 10.0 s",
        ),
        (
            evidence_checks.signalled_fast,
            signalled(exposure=logged(seconds_to_weight_0=None)),
            "weight for None s",
        ),
        (evidence_checks.signalled_fast, signalled(exposure=logged(sources=[])), "has 0 bad"),
        (
            evidence_checks.signalled_fast,
            signalled(exposure=logged(failed_requests=59)),
            "has 60 bad answers of the log, and 59 requests failed",
        ),
        (checks.returned_in_promotion, promoting(**MOVED), "the split"),
        (checks.returned_in_promotion, promoting(primary_image="shop:v41"), "runs shop:v41"),
        (checks.returned_in_promotion, promoting(cause="PhaseFailed"), "not the alarm"),
        (checks.returned_in_promotion, promoting(exposure=LATE), "weight for 5.1 s"),
        (
            checks.returned_in_promotion,
            promoting(exposure={**LATE, "seconds_to_weight_0": None}),
            "weight for None s",
        ),
        (checks.returned_in_promotion, promoting(promotions=2), "2 times"),
        (checks.returned_in_promotion, promoting(exposure=UNSEEN), "nothing was shown"),
        (checks.returned_in_promotion, promoting(errors=591), "bad version did not answer"),
        (checks.capacity_lost, shrunk(), "of no use"),
        (checks.canary_lost, lost(canary_tasks=2), "still has 2 tasks"),
        (checks.canary_lost, lost(primary_image="shop:v16"), "the primary runs shop:v16"),
        (checks.canary_lost, lost(acts=[]), "did not die"),
        (checks.canary_lost, lost(errors_began=None), "nothing was shown"),
        (checks.canary_lost, lost(errors_began=7.4), "at 7.4 s, and the canary died"),
        (checks.canary_lost, lost(errors_ended=11.6), "failed from 7.52 s to 11.6 s"),
        (checks.canary_lost, lost(weights=[0, 50, 100, 0, 100, 0]), "weight went"),
        (checks.canary_lost, lost(promotions=1), "promotion was begun"),
        (checks.canary_lost, lost(gates=2), "2 gates"),
        (checks.canary_lost, lost(signals=["revert by alarm example2-slow"]), "the ledger"),
        (checks.canary_lost, lost(cause="RevertRequested."), "the cause"),
        (checks.hotfix_kept, hotfixed(**MOVED), "the split"),
        (checks.hotfix_kept, hotfixed(errors=1), "1 requests failed"),
        (checks.hotfix_kept, hotfixed(primary=RELEASED), "the primary runs shop:v17"),
        (checks.hotfix_kept, hotfixed(weights=[0, 50, 100, 0]), "weight went"),
        (checks.hotfix_kept, hotfixed(cause="somebody deployed."), "the cause"),
        (checks.restored_by_copy, copied(**MOVED), "the split"),
        (checks.restored_by_copy, copied(errors=1), "1 requests failed"),
        (checks.restored_by_copy, copied(primary_image="shop:v18"), "the primary runs shop:v18"),
        (checks.restored_by_copy, copied(primary_before=report()["primary"]), "nobody needed"),
        (checks.restored_by_copy, copied(primary=copied()["primary_before"]), "runs no copy"),
        (checks.restored_by_copy, copied(promotions=0), "0 times"),
        (checks.restored_by_copy, copied(weights=[0, 50, 0]), "weight went"),
        (checks.restored_by_copy, copied(standing=["up#copy#primary"]), "the register"),
        (checks.capacity_kept, shrunk(**MOVED), "the split"),
        (checks.capacity_kept, shrunk(canary_tasks=4), "still has 4 tasks"),
        (checks.capacity_kept, shrunk(primary_image="shop:v23"), "the primary runs shop:v23"),
        (checks.capacity_kept, shrunk(weights=[0, 50, 0]), "weight went"),
        (checks.capacity_kept, shrunk(cause="PhaseFailed"), "not the alarm's event"),
        (checks.capacity_kept, shrunk(errors=0, errors_from_canary=0), "nothing was shown"),
        (checks.capacity_kept, shrunk(errors=131), "1 requests failed that neither"),
        (
            checks.capacity_kept,
            shrunk(errors=465, refused=335, scaled=SCALED_IN),
            "335 of 8000 requests were refused for lack of capacity; autoscaling gave the primary"
            " [1] tasks",
        ),
        (
            checks.capacity_kept,
            shrunk(errors=145, errors_from_canary=145, refused=15, refused_by_canary=15),
            "15 of 8000 requests were refused",
        ),
    ],
)
def test_a_check_says_what_is_wrong(check: Check, bad: Report, word: str) -> None:
    [wrong] = check(bad)
    assert word in wrong


def test_a_sweep_that_is_as_fast_as_the_event_is_no_alarm_that_was_lost() -> None:
    """Both see the alarm in one moment, and one of them is named."""
    cause = "RevertRequested: revert by the sweep: alarm example2-5xx fired"
    both = report(cause=cause, signals=["revert by alarm example2-5xx", "revert by the sweep"])
    alone = report(cause=cause, signals=["revert by the sweep"])
    assert checks.alarm_heard(both) == []
    assert checks.alarm_heard(alone) == ["it was not the alarm's event that ended the bake"]
