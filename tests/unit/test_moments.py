"""Moments: texts that are written and read again, whoever wrote them."""

import pytest

from stepcanary.domain.moments import LONGEST_TEXT, Act, Moment, WaitKind, read, wait_kind


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
