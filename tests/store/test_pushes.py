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
        taken = pushes.take("checkout", push)
        assert taken is (newest is None or push >= newest)
        newest = push if taken else newest
        # EventBridge may deliver it again.
        assert pushes.take("checkout", push) is taken
    assert pushes.newest("checkout") == THIRD


def test_each_service_has_its_own() -> None:
    assert pushes.take("checkout", THIRD)
    assert pushes.newest("basket") is None
    assert pushes.take("basket", FIRST)
