"""The account of a service, as a profile names it."""

from typing import Any

import pytest
from pydantic import ValidationError

from stepcanary.domain.account import LONGEST_SESSION, Account
from stepcanary.domain.profile import Profile
from tests.builders import profile, traffic
from tests.fakes.accounts import ELSEWHERE, EXTERNAL_ID, IN_ANOTHER_ACCOUNT, ROLE

HERE = Account(role_arn=ROLE, external_id=EXTERNAL_ID)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:"


def test_its_number_is_in_the_role() -> None:
    assert HERE.number == ELSEWHERE


@pytest.mark.parametrize("key", ["role_arn", "external_id"])
def test_a_role_is_never_without_an_external_id_nor_that_without_a_role(key: str) -> None:
    one = {name: value for name, value in IN_ANOTHER_ACCOUNT.items() if name != key}
    with pytest.raises(ValidationError, match=key):
        Account.model_validate(one)


@pytest.mark.parametrize(
    "changed",
    [
        {"external_id": ""},
        {"external_id": "a"},
        {"external_id": "a b"},
        {"external_id": "ab\n"},
        {"external_id": "ä" * 9},
        {"external_id": "a" * 1_225},
        {"role_arn": "stepcanary-release"},
        {"role_arn": "arn:aws:iam::999988887777:user/admin"},
        {"role_arn": "arn:aws:iam::999988887777:role/*"},
        {"role_arn": "arn:aws:iam::*:role/stepcanary-release"},
        {"role_arn": f"{ROLE}\n"},
    ],
)
def test_what_sts_would_not_take_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Account.model_validate({**IN_ANOTHER_ACCOUNT, **changed})


@pytest.mark.parametrize(
    ("name", "session"),
    [
        ("release-1", "stepcanary-release-1"),
        ("a b/ü", "stepcanary-a-b--"),
        ("x" * 80, "stepcanary-" + "x" * (LONGEST_SESSION - 11)),
    ],
)
def test_a_session_is_called_after_its_execution(name: str, session: str) -> None:
    assert HERE.access(EXECUTION + name).session == session


def test_an_external_id_is_not_in_what_is_logged() -> None:
    assert EXTERNAL_ID not in repr(HERE.access(EXECUTION + "release-1"))


def test_a_mesh_is_not_the_same_one_in_each_account() -> None:
    def of(**changed: Any) -> Profile:
        route = traffic(**changed)
        return Profile.model_validate(profile(traffic=route, account=IN_ANOTHER_ACCOUNT))

    with pytest.raises(ValidationError, match=r"traffic\.0\.mesh_owner is missing"):
        of()
    named = of(mesh_owner=ELSEWHERE)
    assert f"/{ELSEWHERE}/" in named.traffic[0].key(EXECUTION + "release-1")
