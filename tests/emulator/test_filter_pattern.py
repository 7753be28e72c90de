"""Filter patterns match what the examples of AWS's documentation say, and are refused where AWS
refuses them."""

import json

import pytest

from emulator.filter_pattern import Invalid, matcher

DENIED = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "bandwidth": 1200,
        "status": "503",
        "ThisFlag": True,
        "user": {"id": 1, "email": "John.Stiles@example.com"},
    }
)


@pytest.mark.parametrize(
    ("pattern", "line", "wanted"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("ERROR", "[error 401]", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?WARN", "[WARN] slow", True),
        ("?ERROR ?WARN", "[INFO] fine", False),
        ("ERROR ?WARN", "[ERROR] bad", True),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR", False),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        (r"%AUTHORI[SZ]ED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        (r"%5\d\d%", "status 200", False),
        ("{ $.eventType = UpdateTrail }", DENIED, True),
        ('{ $.eventType = "Update*" }', DENIED, True),
        ('{ $.eventType != "UpdateTrail" }', DENIED, False),
        ("{ $.missing != 5 }", DENIED, False),
        ("{ $.sourceIPAddress != 123.123.* }", DENIED, True),
        ('{ $.arrayKey[0] = "value" }', DENIED, True),
        ("{ $.objectList[1].id = 2 }", DENIED, True),
        ("{ $.objectList[*].id = 2 }", DENIED, True),
        ("{ $.objectList[2].id = 2 }", DENIED, False),
        ("{ $['cluster.name'] = c }", DENIED, True),
        ("{ $.bandwidth > 1.1e3 }", DENIED, True),
        ("{ $.bandwidth <= 75 }", DENIED, False),
        ("{ $.status >= 500 }", DENIED, True),
        ("{ $.status = 5* }", DENIED, True),
        ("{ $.status = %^5% }", DENIED, True),
        ("{ $.bandwidth = * }", DENIED, True),
        ("{ $.SomeObject IS NULL }", DENIED, True),
        ("{ $.SomeOtherObject NOT EXISTS }", DENIED, True),
        ("{ $.bandwidth NOT EXISTS }", DENIED, False),
        ("{ $.ThisFlag IS TRUE }", DENIED, True),
        ("{ $.ThisFlag IS FALSE }", DENIED, False),
        ("{ ($.user.id = 1) && ($.user.email = %example%) }", DENIED, True),
        ("{ $.user.id = 2 && $.bandwidth = 1 || $.status = 503 }", DENIED, True),
        ("{ $.user.id = 2 && ($.bandwidth = 1 || $.status = 503) }", DENIED, False),
        ("{ $.status = 503 }", "no JSON: 503", False),
        ("{ $.status = 503 }", "503", False),
        ("[ip, user, request, status = 5*]", '127.0.0.1 - "GET / HTTP/1.0" 503', True),
        ("[ip, user, request, status = 5*]", '127.0.0.1 - "GET / HTTP/1.0" 200', False),
        ("[ip, user, request, status = 5*]", '127.0.0.1 - "GET / HTTP/1.0" 503 12', False),
        ("[..., status >= 500, bytes]", '127.0.0.1 [10/Oct 13:55] "GET /" 503 12', True),
        ("[w1 = ERROR || w1 = WARN, ...]", "WARN slow today", True),
        ("[w1 != ERROR && w1 != WARN, ...]", "WARN slow today", False),
        ("[a, b]", "one", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, line: str, wanted: bool) -> None:
    assert matcher(pattern)(line) is wanted


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("{ $.status = 500", "not closed"),
        ("[a, b", "not closed"),
        ("{ status = 500 }", "no field"),
        ("{ $.status }", "a comparison"),
        ("{ $.status = }", "a value"),
        ("{ $.status == 500 }", "'='"),
        ("{ $.status > many }", "no number"),
        ("{ $.status IS 5 }", "TRUE, FALSE"),
        ("{ $.status NOT THERE }", "EXISTS"),
        ("{ ($.status = 500 }", "( is not"),
        ("{ $.status = 500 $.a = 1 }", "cannot follow"),
        ("{ $.status = 500 && }", "a field"),
        ("{ $.a = %x% && $.b = %y% && $.c = %z% }", "more than 2"),
        ("%(a|b)%", "characters"),
        ("%a[%", "no regular expression"),
        ("status:500", "double quotes"),
        ('"never closed', "double quotes"),
        ("[a, ..., b, ...]", "more than once"),
        ("a" * 1025, "1024"),
    ],
)
def test_what_is_refused(pattern: str, word: str) -> None:
    with pytest.raises(Invalid, match=word.replace("(", r"\(").replace("$", r"\$")):
        matcher(pattern)
