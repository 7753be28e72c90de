"""What whoever runs the stack allows, in patterns as IAM has them."""

import pytest

from stepcanary.domain.patterns import fits, is_among


@pytest.mark.parametrize(
    ("name", "pattern", "fit"),
    [
        ("shop", "shop", True),
        ("shop", "sho", False),
        ("shop", "s*p", True),
        ("shop", "sh?p", True),
        ("shop/api", "shop*", True),
        ("shop", "*", True),
        ("shop.api", "shop?api", True),
        ("shopxapi", "shop.api", False),
        ("shop]", "sho[p]*", False),
        ("Shop", "shop", False),
    ],
)
def test_a_name_fits_a_pattern_as_in_iam(name: str, pattern: str, fit: bool) -> None:
    assert fits(name, pattern) is fit


def test_nothing_is_among_no_patterns() -> None:
    assert not is_among("shop", [])
    assert is_among("shop", ["cart", "sh*"])
