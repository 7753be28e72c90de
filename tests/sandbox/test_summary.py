"""What the demo says after its releases."""

from typing import Any

from sandbox.demo.program import EVERY
from sandbox.demo.summary import summary, verdict


def report(name: str, **more: Any) -> dict[str, Any]:
    counts = {"requests": 100, "errors": 3, "errors_from_canary": 2}
    return {"name": name, "outcome": "Reverted", "held": True, **counts, **more}


def test_every_scenario_says_what_is_expected() -> None:
    assert [s.name for s in EVERY if not s.expected] == []


def test_a_release_went_as_expected_or_it_is_told_what_is_wrong() -> None:
    assert verdict(report("bad"), []) == ["it went as expected"]
    assert verdict(report("bad"), ["no", "neither"]) == ["WRONG: no", "WRONG: neither"]


def test_what_chance_allows_is_told_with_what_was_counted() -> None:
    interval = {"requests": 3444, "canary_requests": 174, "low": 132, "high": 216}
    counted, _ = verdict(report("article", interval={**interval, "confidence": 0.999}), [])
    assert counted == (
        "at 95:5 the canary got 174 of 3444 requests; chance gives it 132 to 216 in 99.9% of all"
        " such runs"
    )


def test_the_end_tells_what_was_seen_and_what_to_try_next() -> None:
    told = summary("alb", [report("good"), report("article", held=False)])
    assert (
        "good     as expected  Reverted, 3 of 100 requests failed, 2 of them on the canary" in told
    )
    assert "article  WRONG" in told
    assert "make demo ROUTER=lattice" in told
    assert "ROUTER=alb" not in told
