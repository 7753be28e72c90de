"""Origin: what a request says of its version is bounded, and harmless wherever it is shown."""

import pytest

from stepcanary.domain.origin import Origin
from stepcanary.domain.request import parse_request
from stepcanary.errors import RequestRejected

REQUEST = {"service": "checkout", "images": {"app": "shop:v2"}}
GOOD = {
    "commit": "4f0c2d1a",
    "pushed_at": "2026-11-25T09:30:00+01:00",
    "link": "https://github.com/acme/shop/pull/7?a=1&b=%20#x",
}


def test_what_is_said_is_kept() -> None:
    assert parse_request({**REQUEST, **GOOD}).origin == Origin(**GOOD)
    assert parse_request(REQUEST).origin == Origin()


def test_a_push_is_a_second_of_the_epoch() -> None:
    assert Origin(**GOOD).pushed_second == 1_795_595_400
    assert Origin().pushed_second is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"link": "javascript:alert(1)"},
        {"link": "http://a.example/"},
        {"link": "https://a.example/<script>"},
        {"link": 'https://a.example/" onload="'},
        {"link": "https://a.example/|x>"},
        {"link": "https://a.example/" + "a" * 500},
        {"link": "https://user@a.example/"},
        {"link": "https://a.example/\u202e"},
        {"commit": "<!channel>"},
        {"commit": ""},
        {"commit": "\x1b[31m"},
        {"commit": "a" * 101},
        {"pushed_at": "2026-11-25T09:30:00"},
        {"pushed_at": "yesterday"},
        {"pushed_at": 1_795_595_400},
    ],
    ids=str,
)
def test_what_could_do_harm_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestRejected, match=next(iter(wrong))):
        parse_request({**REQUEST, **wrong})
