"""A name that nobody vouches for is marked, and cannot be written to look as if it was not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.senders import CLAIMED, claimed


@pytest.mark.parametrize(
    ("by", "read"),
    [
        ("jane", "jane (claimed)"),
        ("jane (Slack U2CERLKJA)", "jane (Slack U2CERLKJA) (claimed)"),
        ("jane (claimed)", "jane (claimed) (claimed)"),
        ("jane\nRelease r-1, by alarm x", "jane Release r-1, by alarm x (claimed)"),
        ("alarm example2-5xx\u202e", "alarm example2-5xx (claimed)"),
        (" \t", ""),
        ("", ""),
    ],
)
def test_a_claim_is_read_as_one(by: str, read: str) -> None:
    assert claimed(by) == read


@given(st.text(max_size=300))
def test_whatever_is_written_is_one_line_with_its_mark(by: str) -> None:
    read = claimed(by)
    assert read == "" or read.endswith(CLAIMED)
    assert read.isprintable()
    assert len(read) <= len(by) + len(CLAIMED)
