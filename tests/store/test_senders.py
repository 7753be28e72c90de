"""Who an execution is by, is vouched for once, and only under the name that its input has."""

import pytest

from stepcanary.store import senders
from stepcanary.store.senders import Sender
from tests.store.conftest import EXECUTION

JANE = Sender("jane (Slack U2CERLKJA)")


@pytest.mark.parametrize(
    ("name", "by", "read"),
    [
        ("slack-1", JANE.by, JANE.by),
        ("slack-1", "john (Slack U0JOHN)", "john (Slack U0JOHN) (claimed)"),
        ("slack-2", JANE.by, f"{JANE.by} (claimed)"),
        ("slack-1", "", ""),
    ],
    ids=["who asked", "another name", "another execution", "nobody"],
)
def test_a_name_is_a_claim_unless_it_is_vouched_for(name: str, by: str, read: str) -> None:
    senders.vouch("slack-1", JANE)
    assert senders.named(f"{EXECUTION}{name}", by) == read


def test_who_asked_first_stays() -> None:
    first, second = Sender("push of shop:v1", "sha256:1"), Sender("push of shop:latest", "sha256:1")
    assert senders.vouch("push-1", first) == first
    assert senders.vouch("push-1", second) == first
    assert senders.of_execution(f"{EXECUTION}push-1", first.by) == first


def test_a_push_is_known_by_its_digest() -> None:
    senders.vouch("push-1", Sender("push of shop:v1", "sha256:1"))
    senders.vouch("slack-1", JANE)
    names = ("push-1", "slack-1", "push-2")
    found = [senders.is_of_push(f"{EXECUTION}{name}") for name in names]
    assert found == [True, False, False]
