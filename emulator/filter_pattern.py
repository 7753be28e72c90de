"""Filter patterns of CloudWatch Logs: which lines a subscription filter lets through.

There are three kinds: terms (`ERROR -DEBUG "exact words" %regex%`), JSON (`{ $.status >= 500 }`)
and fields between spaces (`[ip, user, status = 5*]`).
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

MOST_CHARACTERS = 1024
MOST_REGEXES = 2
Matcher = Callable[[str], bool]
"""Whether a line matches."""
Test = Callable[[Any], bool]
"""Whether what a line has in one place is wanted."""

ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SIGNS = {*ORDER, "=", "!=", "&&", "||", "(", ")", ",", "..."}
IN_REGEX = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]+")
"""What AWS lets a regular expression have: no parentheses, for one."""
EXACT = r'"(?:[^"\\]|\\.)*"'
TERM = re.compile(rf"([-?]?)({EXACT}|%[^%]+%|\w+)(?:\s+|$)")
TOKEN = re.compile(
    rf"\s*({EXACT}|%[^%]+%|\$(?:\.?\[[^\]]*\]|[\w.-])*|&&|\|\||!=|<=|>=|\.\.\.|[=<>(),]"
    r"|[^\s=!<>(),&|\"%\[\]{}$]+)\s*"
)
STEP = re.compile(r"""\.?\[(?:['"]([^'"]+)['"]|(\d+|\*))\]|\.([\w-]+)""")
FIELD = re.compile(r'"[^"]*"|\[[^\]]*\]|\S+')
"""One field of a line: words in quotes or in brackets are one."""


class Invalid(ValueError):
    """A pattern that AWS refuses."""


def matcher(pattern: str) -> Matcher:
    """What a pattern matches; `Invalid` for one that AWS would refuse."""
    if len(pattern) > MOST_CHARACTERS:
        raise Invalid(f"it has more than {MOST_CHARACTERS} characters")
    text = pattern.strip()
    if text.startswith("{"):
        return _json(_Tokens(_inside(text, "}")))
    if text.startswith("["):
        return _fields(_Tokens(_inside(text, "]")))
    return _terms(text)


def _inside(text: str, end: str) -> str:
    if not text.endswith(end):
        raise Invalid(f"{text[0]} is not closed by {end}")
    return text[1:-1]


def _terms(text: str) -> Matcher:
    terms: dict[str, list[Test]] = {"": [], "-": [], "?": []}
    at = 0
    while at < len(text):
        found = TERM.match(text, at)
        if not found:
            raise Invalid(f"{text[at : at + 20]!r} is no term; put it in double quotes")
        terms[found[1]].append(_term(found[2]))
        at = found.end()
    wanted, unwanted, optional = terms[""], terms["-"], terms["?"]

    def matches(line: str) -> bool:
        if any(term(line) for term in unwanted) or not all(term(line) for term in wanted):
            return False
        # Beside terms that must be there, those that may be say nothing.
        return bool(wanted) or not optional or any(term(line) for term in optional)

    return matches


def _term(token: str) -> Test:
    if token.startswith("%"):
        return _searched(token)
    text = _plain(token)
    return lambda line: text in line


def _json(tokens: "_Tokens") -> Matcher:
    def compared() -> Test:
        steps = _steps(tokens.take("a field such as $.status"))
        if tokens.took("NOT"):
            if not tokens.took("EXISTS"):
                raise Invalid("NOT is not followed by EXISTS")
            return lambda document: not _selected(document, steps)
        test = _is(tokens) or _comparison(tokens)
        return lambda document: any(test(each) for each in _selected(document, steps))

    wanted = _either(tokens, compared)
    tokens.end()

    def matches(line: str) -> bool:
        try:
            document = json.loads(line)
        except ValueError:
            return False
        return isinstance(document, dict | list) and wanted(document)

    return matches


def _fields(tokens: "_Tokens") -> Matcher:
    before: list[Test] = []
    after: list[Test] | None = None
    while True:
        if tokens.took("..."):
            if after is not None:
                raise Invalid("it has ... more than once")
            after = []
        else:
            (before if after is None else after).append(_field(tokens))
        if not tokens.took(","):
            break
    tokens.end()

    def matches(line: str) -> bool:
        fields = [each.strip('"') for each in FIELD.findall(line)]
        if len(fields) < len(before) + len(after or []):
            return False
        if after is None and len(fields) != len(before):
            return False
        last = fields[len(fields) - len(after or []) :]
        pairs = [*zip(before, fields, strict=False), *zip(after or [], last, strict=True)]
        return all(test(field) for test, field in pairs)

    return matches


def _field(tokens: "_Tokens") -> Test:
    if tokens.next in (None, ",") or tokens.is_bare():
        if tokens.next not in (None, ","):
            tokens.take("the name of a field")
        return lambda _field: True

    def compared() -> Test:
        tokens.take("the name of a field")
        return _comparison(tokens)

    return _either(tokens, compared)


def _either(tokens: "_Tokens", compared: Callable[[], Test]) -> Test:
    """Conditions joined by `||` and, closer, by `&&`."""
    tests = [_both(tokens, compared)]
    while tokens.took("||"):
        tests.append(_both(tokens, compared))
    return lambda value: any(test(value) for test in tests)


def _both(tokens: "_Tokens", compared: Callable[[], Test]) -> Test:
    tests = [_one(tokens, compared)]
    while tokens.took("&&"):
        tests.append(_one(tokens, compared))
    return lambda value: all(test(value) for test in tests)


def _one(tokens: "_Tokens", compared: Callable[[], Test]) -> Test:
    if not tokens.took("("):
        return compared()
    inner = _either(tokens, compared)
    if not tokens.took(")"):
        raise Invalid("( is not closed")
    return inner


def _is(tokens: "_Tokens") -> Test | None:
    if not tokens.took("IS"):
        return None
    word = tokens.take("TRUE, FALSE or NULL").upper()
    if word not in ("TRUE", "FALSE", "NULL"):
        raise Invalid(f"IS {word}: only TRUE, FALSE and NULL can be")
    wanted = {"TRUE": True, "FALSE": False, "NULL": None}[word]
    return lambda value: value is wanted


def _comparison(tokens: "_Tokens") -> Test:
    sign, token = tokens.take("a comparison"), tokens.take("a value")
    if token in SIGNS:
        raise Invalid(f"{token!r} is no value")
    if sign in ORDER:
        number, order = _number(token), ORDER[sign]
        if number is None:
            raise Invalid(f"{sign} {token} compares with no number")
        return lambda value: (has := _number(value)) is not None and order(has, number)
    if sign not in ("=", "!="):
        raise Invalid(f"{sign!r} is no comparison")
    equal = _searched(token) if token.startswith("%") else _equal(token)
    return equal if sign == "=" else lambda value: not equal(value)


def _equal(token: str) -> Test:
    number, text = _number(token), _plain(token)
    shape = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

    def equal(value: Any) -> bool:
        if isinstance(value, dict | list):
            return False
        if number is not None and _number(value) == number:
            return True
        written = value if isinstance(value, str) else json.dumps(value)
        return shape.fullmatch(written) is not None

    return equal


def _number(value: Any) -> float | None:
    """Of a value in a line, or as a pattern writes it: in quotes it is none."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _plain(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token


def _searched(token: str) -> Test:
    text = token.strip("%")
    if not IN_REGEX.fullmatch(text):
        raise Invalid(f"%{text}% has characters that no regular expression may have here")
    try:
        regex = re.compile(text)
    except re.error as error:
        raise Invalid(f"%{text}% is no regular expression: {error}") from error
    return lambda value: isinstance(value, str) and regex.search(value) is not None


def _steps(selector: str) -> list[re.Match[str]]:
    steps, at = [], 1
    while at < len(selector):
        found = STEP.match(selector, at)
        if not found:
            break
        steps.append(found)
        at = found.end()
    if not selector.startswith("$") or at < len(selector) or not steps:
        raise Invalid(f"{selector!r} is no field such as $.status")
    return steps


def _selected(document: Any, steps: list[re.Match[str]]) -> list[Any]:
    found = [document]
    for step in steps:
        quoted, index, name = step.groups()
        if index is None:
            key = quoted or name
            found = [each[key] for each in found if isinstance(each, dict) and key in each]
        else:
            lists = [each for each in found if isinstance(each, list)]
            found = [
                item
                for each in lists
                for item in (each if index == "*" else each[int(index) : int(index) + 1])
            ]
    return found


class _Tokens:
    """What is left of a pattern to be read."""

    def __init__(self, text: str) -> None:
        self._left: list[str] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Invalid(f"{text[at : at + 20]!r} cannot be read")
            self._left.append(found[1])
            at = found.end()
        if sum(token.startswith("%") for token in self._left) > MOST_REGEXES:
            raise Invalid(f"it has more than {MOST_REGEXES} regular expressions")

    @property
    def next(self) -> str | None:
        return self._left[0] if self._left else None

    def is_bare(self) -> bool:
        """Whether a field stands here of which nothing is asked."""
        return self._left[0] != "(" and (len(self._left) == 1 or self._left[1] == ",")

    def take(self, what: str) -> str:
        if not self._left:
            raise Invalid(f"{what} is missing at its end")
        return self._left.pop(0)

    def took(self, token: str) -> bool:
        """Whether this comes next, which is then read."""
        if not self._left or self._left[0].upper() != token:
            return False
        self._left.pop(0)
        return True

    def end(self) -> None:
        if self._left:
            raise Invalid(f"{self._left[0]!r} cannot follow what is before it")
