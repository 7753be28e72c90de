"""The index says which services to look at, and follows the profiles."""

from unittest.mock import patch

import pytest

from stepcanary.domain.profile import Profile
from stepcanary.store import table, triggers
from tests.builders import TRIGGERS, profile


def told(**changed: object) -> Profile:
    return Profile.model_validate(profile(triggers={**TRIGGERS, **changed}))


@pytest.fixture(autouse=True)
def _indexed() -> None:
    quiet = Profile.model_validate(profile())
    other = told(repository="shop/web", promote_pipelines=["main", "checkout-main"])
    triggers.index([("checkout", told()), ("basket", quiet), ("web", other)])


def test_services_are_found_by_repository_and_by_pipeline() -> None:
    assert triggers.services_of("repository", "shop") == ["checkout"]
    assert triggers.services_of("repository", "shop/web") == ["web"]
    assert triggers.services_of("repository", "sho") == []
    assert triggers.services_of("pipeline", "checkout-main") == ["checkout", "web"]
    assert triggers.services_of("pipeline", "main") == ["web"]


def test_the_index_follows_the_profiles() -> None:
    triggers.index([("basket", told()), ("checkout", told(repository="new"))])
    assert triggers.services_of("repository", "shop") == ["basket"]
    assert triggers.services_of("repository", "new") == ["checkout"]
    assert triggers.services_of("repository", "shop/web") == []
    triggers.index([])
    assert table.every("triggers") == []


def test_only_what_has_changed_is_written() -> None:
    before = [("checkout", told())]
    triggers.index(before)
    with patch.object(table, "put", side_effect=AssertionError):
        triggers.index(before)
