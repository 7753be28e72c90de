"""Which tier of Parameter Store a profile needs, to the byte."""

import json

import pytest

from stepcanary.domain.profile import Profile
from stepcanary.domain.tier import ADVANCED_BYTES, STANDARD_BYTES, least_bytes, tier_warnings
from tests.builders import profile


def of_size(size: int) -> Profile:
    """A profile whose alarms fill it up to so many bytes."""
    filled = profile(alarms=[f"{number:02}" for number in range(50)])
    missing = size - len(json.dumps(filled, separators=(",", ":")))
    for number in range(50):
        more = min(missing, 250)
        filled["alarms"][number] += "a" * more
        missing -= more
    assert missing == 0
    return Profile.model_validate(filled)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (STANDARD_BYTES, ""),
        (STANDARD_BYTES + 1, "advanced tier"),
        (ADVANCED_BYTES, "advanced tier"),
        (ADVANCED_BYTES + 1, "cannot be stored"),
    ],
)
def test_the_tier_that_it_needs_is_said(size: int, said: str) -> None:
    found = of_size(size)
    assert least_bytes(found) == size
    assert bool(said) == bool(tier_warnings(found))
    assert said in "".join(tier_warnings(found))


def test_bytes_are_counted_and_not_letters() -> None:
    plain, umlaut = (Profile.model_validate(profile(alarms=[name])) for name in ("aa", "ää"))
    assert least_bytes(umlaut) == least_bytes(plain) + 2
