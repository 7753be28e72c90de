"""Alarm rule: the condition of a composite alarm, which may be true, false, or not to be told."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Truth = bool | None
"""None where nobody can tell."""

IsIn = Callable[[str, str], Truth]
"""Whether the named alarm is in that state."""

Condition = Callable[[IsIn], Truth]

_STATE = "ALARM|OK|INSUFFICIENT_DATA"
_TOKENS = re.compile(
    rf"""\s*(?:
    (?P<quantity>AT_LEAST\s*\(\s*(?P<count>\d+)\s*(?P<percent>%)?\s*,
        \s*(?P<negated>NOT\s+)?(?P<each>{_STATE})\s*,
        \s*\((?P<names>(?:"[^"]*"|[^"()])*)\)\s*\))
    |(?P<state>{_STATE})\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s"()]+))\s*\)
    |(?P<word>(?:AND|OR|NOT|TRUE|FALSE)\b|[()])
    )\s*""",
    re.VERBOSE,
)
_NAMES = re.compile(r'"([^"]+)"|([^\s",]+)')


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """`children` are the names of the alarms that the condition asks about."""

    condition: Condition
    children: frozenset[str]


def parse_rule(rule: str) -> AlarmRule:
    """Raises `ValueError` for what is no rule, or one of a kind that is not known here.

    The grammar: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-combining.html
    """
    reader = _Reader(rule)
    condition = reader.any()
    reader.expect("")
    return AlarmRule(condition, frozenset(reader.children))


class _Reader:
    """Reads a rule from left to right; NOT binds tightest, then AND, then OR."""

    def __init__(self, rule: str) -> None:
        self._rule, self._at = rule, 0
        self.children: set[str] = set()

    def any(self) -> Condition:
        parts = [self.all()]
        while self._took("OR"):
            parts.append(self.all())
        return lambda is_in: _at_least(1, (part(is_in) for part in parts))

    def all(self) -> Condition:
        parts = [self.one()]
        while self._took("AND"):
            parts.append(self.one())
        return lambda is_in: _at_least(len(parts), (part(is_in) for part in parts))

    def one(self) -> Condition:
        if self._took("NOT"):
            inner = self.one()
            return lambda is_in: _negated(inner(is_in))
        if self._took("("):
            inner = self.any()
            self.expect(")")
            return inner
        for word in ("TRUE", "FALSE"):
            if self._took(word):
                return lambda _is_in: word == "TRUE"
        return self._of_children()

    def _of_children(self) -> Condition:
        found = _TOKENS.match(self._rule, self._at)
        if found is None or found["word"] is not None:
            raise self._error()
        self._at = found.end()
        if found["quantity"] is None:
            name, wanted = self._child(found["quoted"] or found["bare"]), found["state"]
            return lambda is_in: is_in(name, wanted)
        names = [self._child(quoted or bare) for quoted, bare in _NAMES.findall(found["names"])]
        count, state, negated = int(found["count"]), found["each"], found["negated"]
        if found["percent"]:
            count = -(-len(names) * count // 100)

        def are_in(is_in: IsIn) -> Truth:
            each = (is_in(name, state) for name in names)
            return _at_least(count, map(_negated, each) if negated else each)

        return are_in

    def _child(self, name_or_arn: str) -> str:
        name = name_or_arn
        if name.startswith("arn:"):
            name = name.partition(":alarm:")[2]
        self.children.add(name)
        return name

    def _took(self, word: str) -> bool:
        found = _TOKENS.match(self._rule, self._at)
        if found is None or found["word"] != word:
            return False
        self._at = found.end()
        return True

    def expect(self, word: str) -> None:
        if not (self._took(word) if word else self._at == len(self._rule)):
            raise self._error()

    def _error(self) -> ValueError:
        return ValueError(f"AlarmRule is wrong at {self._rule[self._at :][:40]!r}")


def _negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _at_least(count: int, truths: Iterable[Truth]) -> Truth:
    each = list(truths)
    if each.count(True) >= count:
        return True
    return None if each.count(True) + each.count(None) >= count else False
