"""AlarmRule: the condition of a composite alarm, which moto keeps and does not read."""

import re
from collections.abc import Callable

from moto.cloudwatch.exceptions import ValidationError

State = Callable[[str], str]
Condition = Callable[[State], bool]

TOKENS = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s"()]+))\s*\)
    |(?P<word>AND\b|OR\b|NOT\b|TRUE\b|FALSE\b|[()]))\s*""",
    re.VERBOSE,
)


def parse_rule(rule: str) -> tuple[Condition, set[str]]:
    """An AlarmRule as a condition on its children's states, and their names."""
    reader = _Rule(rule)
    condition = reader.any()
    reader.expect("")
    return condition, reader.children


class _Rule:
    """Reads a rule from left to right; NOT binds tightest, then AND, then OR."""

    def __init__(self, rule: str) -> None:
        self._rule, self._at = rule, 0
        self.children: set[str] = set()

    def any(self) -> Condition:
        parts = [self.all()]
        while self._took("OR"):
            parts.append(self.all())
        return lambda state: any(part(state) for part in parts)

    def all(self) -> Condition:
        parts = [self.one()]
        while self._took("AND"):
            parts.append(self.one())
        return lambda state: all(part(state) for part in parts)

    def one(self) -> Condition:
        if self._took("NOT"):
            inner = self.one()
            return lambda state: not inner(state)
        if self._took("("):
            inner = self.any()
            self.expect(")")
            return inner
        for word in ("TRUE", "FALSE"):
            if self._took(word):
                return lambda _state: word == "TRUE"
        return self._child()

    def _child(self) -> Condition:
        found = TOKENS.match(self._rule, self._at)
        if found is None or found["state"] is None:
            raise self._error()
        self._at = found.end()
        wanted = found["state"]
        name = (found["quoted"] or found["bare"]).rpartition(":alarm:")[2]
        self.children.add(name)
        return lambda state: state(name) == wanted

    def _took(self, word: str) -> bool:
        found = TOKENS.match(self._rule, self._at)
        if found is None or found["word"] != word:
            return False
        self._at = found.end()
        return True

    def expect(self, word: str) -> None:
        if not (self._took(word) if word else self._at == len(self._rule)):
            raise self._error()

    def _error(self) -> ValidationError:
        return ValidationError(f"AlarmRule is wrong at {self._rule[self._at :][:40]!r}")
