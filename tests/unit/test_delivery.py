"""Delivery: the figures of a service, by hand, and what they never are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.delivery import Delivered, Delivery, figures, lead_seconds, summary
from stepcanary.domain.outcome import Outcome


def change(outcome: Outcome, started_at: int, service: str = "shop", **more: Any) -> Delivered:
    return Delivered(service, outcome, started_at, **{"ended_at": started_at + 600, **more})


def test_a_service_that_had_every_kind_of_end() -> None:
    newest_first = [
        change("Running", 9_000),
        change("Released", 8_000, pushed_at=7_000),
        change("Shifted", 7_500),
        change("Rejected", 7_400),
        change("Released", 6_000, is_rollback=True, ended_at=6_200),
        change("Released", 5_000, pushed_at=2_000),
        change("Reverted", 4_000, restored_seconds=12),
        change("RevertFailed", 3_000),
        # Its clock is ahead: no lead time.
        change("Released", 1_000, pushed_at=1_001),
    ]
    found = figures(newest_first)
    assert found == Delivery(
        since=1_000,
        changes=5,
        failed=3,
        change_failure_rate=0.6,
        lead_seconds=2_600,
        led=2,
        restore_seconds=106,
        restored=2,
    )
    assert summary(found) == (
        "5 changes, 3 failed (60 %); lead time 43 min 20 s (median of 2);"
        " time to restore 1 min 46 s (median of 2)"
    )


def test_nothing_has_no_figures() -> None:
    assert figures([]) == Delivery()
    assert summary(figures([change("Rejected", 1)])) == ""


def test_a_rollback_that_was_reverted_takes_nothing_back() -> None:
    found = figures([change("Reverted", 20, is_rollback=True), change("Released", 10)])
    assert (found.changes, found.failed) == (1, 0)


def test_two_rollbacks_in_a_row_take_back_two_releases() -> None:
    """Of three, to the first one in two goes."""
    found = figures(
        [
            change("Released", 9_000, is_rollback=True, ended_at=9_300),
            change("Released", 8_000, is_rollback=True, ended_at=8_100),
            *(change("Released", at) for at in (7_000, 6_000, 5_000)),
        ]
    )
    assert (found.changes, found.failed, found.restored) == (3, 2, 2)
    assert found.restore_seconds == 200


def test_a_rollback_takes_back_a_release_of_its_own_service() -> None:
    newest_first = [
        change("Released", 9_000, "cart", is_rollback=True, ended_at=9_100),
        change("Released", 8_000, "shop", is_rollback=True, ended_at=8_500),
        change("Released", 7_000, "mail"),
        change("Released", 6_000, "cart"),
        change("Released", 5_000, "shop"),
    ]
    found = figures(newest_first)
    assert (found.changes, found.failed, found.restored) == (3, 2, 2)
    assert found.restore_seconds == (100 + 500) / 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["Released", "Reverted"]), st.booleans(), st.sampled_from("abc")),
        max_size=20,
    )
)
def test_the_figures_of_several_services_are_those_of_each_together(
    drawn: list[tuple[Any, bool, str]],
) -> None:
    releases = [change(o, 10_000 - n, s, is_rollback=r) for n, (o, r, s) in enumerate(drawn)]
    of_each = [figures([r for r in releases if r.service == service]) for service in "abc"]
    found = figures(releases)
    assert found.changes == sum(each.changes for each in of_each)
    assert found.failed == sum(each.failed for each in of_each)
    assert found.restored == sum(each.restored for each in of_each)


@given(st.none() | st.integers(0, 30))
def test_a_lead_time_is_never_shorter_than_the_release(pushed_at: int | None) -> None:
    found = lead_seconds(pushed_at, 10, 20)
    known = pushed_at is not None and pushed_at <= 10
    assert found == (20 - pushed_at if known and pushed_at is not None else None)


outcomes = st.sampled_from(
    ["Released", "Reverted", "PromotionFailed", "RevertFailed", "Running", "Rejected", "Shifted"]
)


@given(st.lists(st.tuples(outcomes, st.booleans(), st.none() | st.integers(0, 9_000)), max_size=30))
def test_no_more_fail_than_there_are(drawn: list[tuple[Any, bool, int | None]]) -> None:
    found = figures(
        [change(o, 10_000 - n, is_rollback=r, pushed_at=p) for n, (o, r, p) in enumerate(drawn)]
    )
    assert 0 <= found.failed <= found.changes
    assert found.restored <= found.failed
    assert found.lead_seconds is None or found.lead_seconds >= 0
