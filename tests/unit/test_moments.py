"""Moments: texts that are written and read again, whoever wrote them."""

import pytest

from stepcanary.domain.moments import (
    FIRST,
    LAST,
    LONGEST_TEXT,
    MOST,
    Act,
    Moment,
    WaitKind,
    is_resumed,
    left_canary_at,
    left_out,
    read,
    restored_at,
    served_by_primary,
    shortening,
    wait_kind,
    whole_until,
)


@pytest.mark.parametrize(
    ("kind", "text"), [("weight", "25"), ("foreign", "somebody else wrote it, twice"), ("bake", "")]
)
def test_a_moment_is_read_as_it_was_written(kind: Act | WaitKind, text: str) -> None:
    moment = Moment(at=1_795_478_400_123, kind=kind, text=text)
    assert read([str(moment)]) == [moment]


def test_they_are_in_the_order_of_time_and_bounded() -> None:
    kept = [Moment(at=2, kind="weight", text="5"), Moment(at=1, kind="foreign", text="x" * 999)]
    first, second = read(str(each) for each in kept)
    assert (first.kind, len(first.text), second.kind) == ("foreign", LONGEST_TEXT, "weight")


def test_what_another_version_of_the_stack_wrote_is_left_out() -> None:
    assert read(["", "12", "12 dance", "x weight 5", "3 weight 5"]) == [
        Moment(at=3, kind="weight", text="5")
    ]


@pytest.mark.parametrize(
    ("ends_on", "paused", "kind"),
    [
        (["revert"], False, "settle"),
        (["pause", "promote", "revert", "skip"], False, "bake"),
        (["promote", "resume", "revert"], True, "pause"),
        (["promote", "resume", "revert"], False, "gate"),
        (["retry", "revert"], False, "failed"),
    ],
)
def test_a_wait_is_told_by_what_ends_it(ends_on: list[str], paused: bool, kind: str) -> None:
    assert wait_kind(ends_on, paused=paused) == kind


@pytest.mark.parametrize(
    ("done", "resumed"),
    [
        ([], False),
        (["bake"], False),
        (["weight 5", "bake"], False),
        (["bake", "pause"], False),
        (["bake", "pause", "bake"], True),
        (["pause", "bake", "bake"], False),
        (["pause", "bake", "weight 50"], False),
        (["gate", "bake"], False),
    ],
)
def test_a_bake_after_a_pause_was_resumed(done: list[str], resumed: bool) -> None:
    assert is_resumed(acts(*done)) is resumed


def weights(number: int, since: int = 1) -> list[str]:
    return [str(Moment(at=at, kind="weight", text="5")) for at in range(since, since + number)]


def shortened(kept: list[str]) -> list[str]:
    by = shortening(kept)
    return kept if by is None else [*kept[: by.start], by.text, *kept[by.end :]]


def test_as_many_as_there_may_be_stay() -> None:
    assert shortening(weights(MOST)) is None


def test_of_too_many_the_first_and_the_last_stay() -> None:
    kept = weights(MOST + 1)
    found = read(shortened(kept))
    assert [each.at for each in found[:FIRST]] == [each.at for each in read(kept[:FIRST])]
    assert [each.at for each in found[-LAST:]] == [each.at for each in read(kept[-LAST:])]
    assert len(found) == FIRST + 1 + LAST
    assert left_out(found) == MOST + 1 - FIRST - LAST


def test_what_was_left_out_before_is_counted() -> None:
    kept: list[str] = []
    for at in range(1, 2_001):
        kept = shortened([*kept, *weights(1, since=at)])
    assert len(kept) <= MOST
    found = read(kept)
    assert sum(each.kind == "left_out" for each in found) == 1
    assert left_out(found) == 2_000 - (len(found) - 1)
    assert found[-1].at == 2_000


def test_the_longest_moments_leave_room_in_an_item_of_dynamodb() -> None:
    longest = str(Moment(at=1_795_478_400_123, kind="foreign", text="\U0001f600" * 999))
    assert MOST * len(longest.encode()) < 350_000


def acts(*done: str) -> list[Moment]:
    """One a second: `weight 50`, `primary`, `old`."""
    return [
        Moment.model_validate({"at": 1_000 * at, "kind": kind, "text": text})
        for at, (kind, _, text) in enumerate((each.partition(" ") for each in done), start=1)
    ]


OPEN = None


@pytest.mark.parametrize(
    ("done", "served", "whole"),
    [
        ([], [], None),
        (["weight 50", "weight 0"], [], None),
        (["weight 100", "primary"], [], None),
        (["weight 100", "primary", "weight 0"], [(3_000, OPEN)], 3_000),
        (["weight 100", "primary", "weight 100", "weight 50", "weight 0"], [(4_000, OPEN)], 4_000),
        (["weight 50", "primary", "weight 0"], [(3_000, OPEN)], None),
        (["primary", "weight 0"], [(2_000, OPEN)], None),
        (["weight 100", "primary", "weight 0", "old"], [(3_000, OPEN)], None),
        (["weight 100", "primary", "weight 0", "old", "weight 100"], [(3_000, 5_000)], None),
        (["weight 100", "primary", "old", "weight 0"], [], None),
        (["weight 100", "primary", "old", "primary", "weight 0"], [(5_000, OPEN)], None),
        (["weight 100", "primary", "weight 50", "weight 100", "old", "primary"], [], None),
        (
            ["weight 100", "primary", "weight 0", "weight 100", "weight 0"],
            [(3_000, 4_000), (5_000, OPEN)],
            3_000,
        ),
    ],
)
def test_when_the_primary_had_weight_with_the_version(
    done: list[str], served: list[tuple[int, int | None]], whole: int | None
) -> None:
    assert (served_by_primary(acts(*done)), whole_until(acts(*done))) == (served, whole)


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ([], None),
        (["weight 0"], None),
        (["weight 5"], None),
        (["weight 5", "weight 0"], 2_000),
        (["weight 5", "weight 0", "weight 0"], 2_000),
        (["weight 100", "primary", "weight 50", "weight 0"], 4_000),
        (["weight 5", "weight 0", "weight 100"], None),
        (["weight 5", "weight 0", "weight 100", "weight 0"], 4_000),
    ],
)
def test_when_the_canary_had_no_weight_any_more(done: list[str], left: int | None) -> None:
    assert left_canary_at(acts(*done)) == left


@pytest.mark.parametrize(
    ("done", "doubted", "restored"),
    [
        (["weight 50", "returning", "weight 0"], 2_000, 3_000),
        (["weight 100", "primary", "weight 0", "old", "returning"], 2_500, 3_000),
        (["weight 100", "primary", "weight 0", "rested", "old", "returning"], 4_000, 6_000),
        (["weight 100", "primary", "weight 0", "rested", "old"], 4_000, None),
        (["weight 100", "primary", "weight 50", "weight 100", "old", "weight 0"], 3_500, 6_000),
        (["weight 50"], 1_000, None),
    ],
)
def test_when_the_old_version_had_all_traffic_again(
    done: list[str], doubted: int, restored: int | None
) -> None:
    assert restored_at(acts(*done), doubted) == restored
