"""What somebody asks for again within a minute is the same; whatever comes between ends that."""

import pytest

from stepcanary.store import askings
from stepcanary.store.askings import SAME_SECONDS, Asking

FIRST = Asking("U2CERLKJA", "promote", 1_000, "slack-1")


@pytest.mark.parametrize(
    ("user", "what", "at", "same"),
    [
        ("U2CERLKJA", "promote", 1_000 + SAME_SECONDS, True),
        ("U2CERLKJA", "promote", 1_000 - SAME_SECONDS, True),
        ("U2CERLKJA", "promote", 1_001 + SAME_SECONDS, False),
        ("U0JOHN", "promote", 1_001, False),
        ("U2CERLKJA", "revert", 1_001, False),
    ],
    ids=["again", "the later one was first", "a minute later", "another member", "something else"],
)
def test_the_same_person_the_same_words_the_same_minute(
    user: str, what: str, at: int, same: bool
) -> None:
    assert Asking(user, what, at, "slack-2").repeats(FIRST) is same


def test_the_last_one_is_kept_and_of_two_at_once_one() -> None:
    assert askings.last("checkout") is None
    assert askings.keep("checkout", FIRST, None)
    assert askings.last("checkout") == FIRST
    one, other = (
        Asking("U0JOHN", "pause", 1_001, "slack-2"),
        Asking("U0JOHN", "skip", 1_001, "slack-3"),
    )
    assert askings.keep("checkout", one, FIRST)
    assert not askings.keep("checkout", other, FIRST)
    assert not askings.keep("checkout", other, None)
    assert askings.last("checkout") == one
    assert askings.last("basket") is None
