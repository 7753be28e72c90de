"""Only the newest push of a service is taken, in whatever order they come and however often."""

from itertools import permutations

import pytest

from stepcanary.domain.pushes import Push
from stepcanary.store import pushes

FIRST, SECOND, THIRD = Push(100, "b"), Push(100, "c"), Push(101, "a")


@pytest.mark.parametrize("order", permutations([FIRST, SECOND, THIRD]))
def test_none_is_taken_after_a_newer_one(order: tuple[Push, ...]) -> None:
    newest: Push | None = None
    for push in order:
        seen = pushes.newest("checkout")
        assert seen == newest
        if seen is None or push >= seen:
            assert pushes.take("checkout", push.after(seen), seen)
            newest = push
    assert pushes.newest("checkout") == THIRD


def test_of_two_who_saw_the_same_one_takes_its_place() -> None:
    assert pushes.take("checkout", FIRST, None)
    assert not pushes.take("checkout", SECOND, None)
    assert pushes.take("checkout", SECOND, FIRST)
    assert not pushes.take("checkout", THIRD, FIRST)
    assert pushes.newest("checkout") == SECOND


def test_each_service_has_its_own() -> None:
    assert pushes.take("checkout", THIRD, None)
    assert pushes.newest("basket") is None
    assert pushes.take("basket", FIRST, None)
