"""Places of reports: keys that need no care, one for each release, and links to log in by."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.picture import Picture
from stepcanary.report.places import key_of, link_to

SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!-_./")
ARN = "arn:aws:states:eu-west-1:123456789012:execution:stepcanary-release:"


def key(name: str, service: str = "checkout", at: int = 1_795_000_000_000) -> str:
    picture = Picture(
        drawn_at=at, execution=ARN + name, service=service, phase="over", started_at=at
    )
    return key_of(picture, "stepcanary")


def test_a_key_says_which_release_it_is_and_sorts_by_when_it_began() -> None:
    assert key("release-1") == "stepcanary/checkout/2026-11-18T110640Z-release-1.html"
    assert key("a", at=1_795_000_001_000) > key("b")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a b", "a!20b"),
        ("a!20b", "a!2120b"),
        ("größe", "gr!C3!B6!C3!9Fe"),
        ("a/../b", "a!2F..!2Fb"),
    ],
)
def test_what_a_key_needs_care_for_is_written_otherwise(name: str, made: str) -> None:
    assert key(name).endswith(f"Z-{made}.html")


@given(
    st.lists(
        st.text(min_size=1, max_size=80).filter(lambda n: ":" not in n), max_size=4, unique=True
    )
)
def test_no_two_releases_have_one_key_and_none_is_too_long(names: list[str]) -> None:
    keys = [key(name) for name in names if name.isprintable()]
    assert len(set(keys)) == len(keys)
    for each in keys:
        assert set(each) <= SAFE
        assert each.count("/") == 2
        assert len(each) <= 1_024


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_a_link_is_to_the_console_of_the_partition(partition: str, region: str, host: str) -> None:
    link = urlsplit(link_to("shop-reports", key("a!b"), region, partition))
    assert (link.scheme, link.hostname, link.path) == ("https", host, "/s3/object/shop-reports")
    assert parse_qs(link.query) == {"region": [region], "prefix": [key("a!b")]}


def test_where_no_console_is_known_a_link_is_the_uri() -> None:
    assert link_to("shop-reports", "a/b", "us-iso-east-1", "aws-iso") == "s3://shop-reports/a/b"
