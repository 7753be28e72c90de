"""The figures of a report are held against those of a client, and differ by what the source cannot
know and by nothing else."""

from dataclasses import replace
from typing import Any

from sandbox.client import Answered
from sandbox.demo.figures import Seen, Shift, Source, compared
from sandbox.metrics import Reading
from stepcanary.domain.comparison import Row
from stepcanary.domain.judged import MetricSeen
from stepcanary.domain.picture import Exposure, Picture, Weight
from stepcanary.report.facts import Facts

BEGAN = 1_000
READINGS = [
    Reading(second, second + 1.01, second + 1.02, second + 1.03)
    for second in range(BEGAN, BEGAN + 30)
]
SOURCE = Source(READINGS, period=1, late=0.5, missing=10, delivered=2.0)
SHIFTS = [Shift(BEGAN + 1.4, BEGAN + 1.6, 50), Shift(BEGAN + 9.4, BEGAN + 9.6, 0)]


def answers() -> list[Answered]:
    """Ten a second of each side, each in a twentieth of a second; the canary's are bad from 5 s on
    until it has no weight."""
    found = []
    for n in range(120):
        at = BEGAN + n / 10
        found.append(Answered(at, at + 0.05, "example1", bad=False))
        if 15 <= n < 95:
            found.append(Answered(at, at + 0.05, "example2", bad=n >= 50))
    return found


SEEN = Seen(answers(), SHIFTS, "example2", "example1")


def facts(kind: str = "errors", **changed: Any) -> Facts:
    """The periods from 3 to 6 s were compared, and the toll has all."""
    counts = {"m": (10, 5, 10, 0)}
    rows = [Row(at=BEGAN + n, step=0, weight=50, counts=counts) for n in range(3, 7)]
    metric = {"canary": 40, "canary_bad": 20, "primary": 40, **changed}
    cost = Exposure(metric="m", requests=80, failed=45, whole=True)
    picture = Picture(
        drawn_at=1_000 * (BEGAN + 20),
        ended_at=1_000 * (BEGAN + 12),
        execution="one",
        service="checkout",
        phase="over",
        started_at=1_000 * BEGAN,
        weights=[
            Weight(at=1_000 * BEGAN + 1_500, weight=50),
            Weight(at=1_000 * BEGAN + 9_500, weight=0),
        ],
        metrics=[MetricSeen(metric="m", kind=kind, **metric)],
        exposure=cost,
    )
    return Facts(picture=picture, rows=rows)


def wrong(of: Facts, seen: Seen = SEEN, source: Source = SOURCE) -> list[str]:
    return compared(of, seen, source)[1]


def test_what_is_equal_is_right() -> None:
    found, problems = compared(facts(), SEEN, SOURCE)
    assert problems == []
    assert found["counts"]["m, canary"] == {
        "report": (40, 20),
        "least": (39, 20),
        "most": (41, 21),
    }
    assert found["counts"]["the exposure"]["least"] == (80, 45)
    assert [each["seconds_after_seen"] for each in found["weights"]] == [-0.1, -0.1]


def test_one_request_more_than_the_source_can_be_wrong_by_is_told() -> None:
    assert wrong(facts(canary=41)) == []
    [problem] = wrong(facts(canary=42))
    assert "m, canary" in problem
    [problem] = wrong(facts(primary=38))
    assert "m, primary" in problem


def test_of_all_that_the_canary_answered_none_may_be_missing() -> None:
    few = facts()
    cost = few.picture.exposure
    assert cost is not None
    missed = few.picture.model_copy(update={"exposure": cost.model_copy(update={"failed": 44})})
    [problem] = wrong(replace(few, picture=missed))
    assert "the exposure" in problem


def test_of_a_period_that_was_published_late_a_tenth_may_be_missing() -> None:
    late = [
        replace(each, put=each.put + 0.6) if each.second == BEGAN + 4 else each for each in READINGS
    ]
    assert wrong(facts(canary=38)) != []
    assert wrong(facts(canary=38), source=replace(SOURCE, readings=late)) == []


def test_who_is_not_known_to_have_answered_may_be_counted_anywhere() -> None:
    nobody = [Answered(BEGAN + 4.2, BEGAN + 4.3, "", bad=True)]
    seen = replace(SEEN, answers=[*SEEN.answers, *nobody])
    assert wrong(facts(canary=42, canary_bad=22), seen) == []
    assert wrong(facts(canary=42, canary_bad=22)) != []


def test_lines_of_a_log_count_until_they_are_delivered_no_more() -> None:
    """From when the weight was written; all came in time."""
    logged = facts("logs", canary=80, canary_bad=45, primary=0)
    assert wrong(logged) == []
    few = facts("logs", canary=70, canary_bad=35, primary=0)
    assert len(wrong(few)) == 1
    # The release ended before the last of them came.
    ended = few.picture.model_copy(update={"ended_at": 1_000 * (BEGAN + 10)})
    assert wrong(replace(few, picture=ended)) == []


def test_lines_of_the_primarys_new_tasks_count_once_it_has_the_weight_back() -> None:
    """From 9.5 to 10 s by all means, and until 12 s where they came in time; those of the old
    version never."""
    logged = facts("logs", canary=80, canary_bad=45, primary=0)
    of_primary = logged.picture.metrics[0].model_copy

    def wrong_with(primary: int, old_again: float = 20.0) -> list[str]:
        """The old version is back after so many seconds."""
        changed = {
            "version": "shop:v2",
            "weights": [Weight(at=1_000 * BEGAN + 1_500, weight=100), *logged.picture.weights[1:]],
            "metrics": [of_primary(update={"primary": primary})],
        }
        seen = replace(
            SEEN,
            answers=[
                replace(each, version="v1" if each.sent >= BEGAN + old_again else "v2")
                for each in SEEN.answers
            ],
            shifts=[replace(SHIFTS[0], weight=100), SHIFTS[1]],
        )
        picture = logged.picture.model_copy(update=changed)
        return wrong(replace(logged, picture=picture), seen)

    assert [wrong_with(5), wrong_with(25)] == [[], []]
    assert all("m, primary" in wrong_with(n)[0] for n in (0, 40))
    assert wrong_with(3, old_again=9.8) == []
    assert all("m, primary" in wrong_with(n, old_again=9.8)[0] for n in (0, 5))


def test_a_weight_that_the_report_does_not_have_is_told() -> None:
    other = replace(SEEN, shifts=[*SHIFTS[:1], Shift(BEGAN + 5.0, BEGAN + 5.1, 60), *SHIFTS[1:]])
    assert wrong(facts(), other) == ["the report does not have the canary's weight of 60 %"]
    late = replace(SEEN, shifts=[Shift(BEGAN + 2.0, BEGAN + 2.1, 50), *SHIFTS[1:]])
    assert wrong(facts(), late) == ["the report does not have the canary's weight of 50 %"]


def test_what_another_release_did_is_not_of_this_one() -> None:
    after = Shift(BEGAN + 14.0, BEGAN + 14.1, 50)
    assert wrong(facts(), replace(SEEN, shifts=[*SHIFTS, after])) == []
