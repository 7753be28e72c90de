"""Refusals: everything that a release is refused or warned for, out of the code's own texts.

A refusal is what a `raise` of one of `REFUSALS` says, a message of `explain`, or what one of
`REASONS` answers; a warning is what a function says whose name ends in `warning`, `warnings` or
`warnings_of`. `tests/refusals` has an example of each.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "functions/stepcanary"
REFUSALS = {"RequestRejected", "ProfileMissing", "LeaseHeld", "SplitTaken", "ValueError"}

REASONS = {"refusal", "unbaked", "why_unnamed", "why_not_to"}
"""Functions that say why something is refused, and leave it to others to raise it."""
LEAST_WORDS = 4
"""Of a sentence without a field; what is shorter is a piece of one."""

NO_PART = {
    "control": "actions have texts of their own",
    "chat": "what Slack answers is no release",
    "contracts/events.py": "an event that is garbage asks for no release",
    "report": "a report that was changed is read by a person",
    "domain/questions.py": "who asks is refused no release",
    "domain/alarm_rule.py": "a rule that is not known here is no refusal",
}
"""Folders and modules that no release is refused by, and why."""
WARNS = re.compile(r"(^|_)warnings?(_of)?$")
NO_RELEASE = {"ActionRequest"}
"""Classes of other requests."""

Kind = Literal["refusal", "warning"]


@dataclass(frozen=True, slots=True)
class Text:
    """`parts` are literal text and, as None or a name, what stands for something else."""

    kind: Kind
    module: str
    parts: tuple[tuple[bool, str], ...]

    @property
    def markdown(self) -> str:
        """In a cell of a table: what is filled in is in italics."""
        return "".join(
            part.replace("|", "\\|").replace("*", "\\*") if literal else f"*{part}*"
            for literal, part in self.parts
        )

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the text in what somebody was told."""
        each = (re.escape(part) if literal else ".*" for literal, part in self.parts)
        return re.compile("".join(each), re.DOTALL)


def texts() -> list[Text]:
    """In the order of modules, and within one of its lines."""
    found: dict[Text, None] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = str(path.relative_to(PACKAGE))
        if not {module, module.partition("/")[0]} & NO_PART.keys():
            tree = ast.parse(path.read_text())
            found |= dict.fromkeys(_texts_of(tree, module))
    return list(found)


def _texts_of(tree: ast.AST, module: str) -> Iterator[Text]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and node.name in NO_RELEASE:
            continue
        if isinstance(node, ast.FunctionDef) and WARNS.search(node.name):
            yield from _of_kind("warning", module, _sayings(node))
        elif isinstance(node, ast.FunctionDef) and node.name in REASONS:
            yield from _of_kind("refusal", module, _sayings(node))
        elif isinstance(node, ast.FunctionDef) and node.name == "explain":
            yield from _of_kind("refusal", module, _messages(node))
        elif isinstance(node, ast.Raise) and _raised(node) in REFUSALS:
            assert isinstance(node.exc, ast.Call)
            yield from _of_kind("refusal", module, node.exc.args[:1])
        else:
            yield from _texts_of(node, module)


def _raised(node: ast.Raise) -> str:
    called = node.exc.func if isinstance(node.exc, ast.Call) else None
    return called.id if isinstance(called, ast.Name) else ""


def _sayings(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """The sentences of a function: its longest strings, and not what they are put together of."""
    left: list[ast.AST] = list(function.body[::-1])
    while left:
        node = left.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, (ast.JoinedStr, ast.Constant)):
            words = "".join(part for literal, part in _parts(node) if literal)
            if ": " in words or len(words.split()) >= LEAST_WORDS:
                yield node
            continue
        left += list(ast.iter_child_nodes(node))[::-1]


def _messages(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What is assigned to `message`, in the order of the function's lines."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            else:
                pairs = [(target, value)]
            for name, said in pairs:
                if isinstance(name, ast.Name) and name.id == "message":
                    yield said


def _of_kind(kind: Kind, module: str, said: Iterator[ast.expr] | list[ast.expr]) -> Iterator[Text]:
    for expression in said:
        if parts := _parts(expression):
            yield Text(kind, module, parts)


def _parts(expression: ast.expr) -> tuple[tuple[bool, str], ...]:
    """Of a string that is written down in the code; none for one that comes from elsewhere."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return ((True, expression.value),)
    if not isinstance(expression, ast.JoinedStr):
        return ()
    parts: list[tuple[bool, str]] = []
    for value in expression.values:
        if isinstance(value, ast.Constant):
            parts.append((True, str(value.value)))
        elif isinstance(value, ast.FormattedValue):
            follows = bool(parts) and not parts[-1][0]
            if follows:
                del parts[-1]
            parts.append((False, "…" if follows else _name(value.value)))
    return tuple(parts)


def _name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(value=ast.Name(id=name)):
            return name.lower().replace("_", " ").strip()
        case _:
            return "…"


HEAD = """# What a release is refused, and warned of

Everything that a release may be told before it begins, in the code's own words. What is in
italics is filled in. `make refusals` writes this page, and a test holds an example against each
text.

Which keys there are, of which type and within which bounds, is in [the schemas](schema/), and
[Configuration](configuration.md) says what they mean. A refused release ends Rejected, and has
changed nothing.
"""
WARNINGS = """
## Warnings

The plan takes these, and says so: in the release's document, in the event `Release Started`, in
chats and in the answer to `status`.
"""


def page() -> str:
    found = texts()
    refused = _table([text for text in found if text.kind == "refusal"])
    warned = _table([text for text in found if text.kind == "warning"])
    return f"{HEAD}\n## Refusals\n\n{refused}{WARNINGS}\n{warned}"


def _table(found: list[Text]) -> str:
    rows = [f"| {text.markdown} | `{text.module}` |" for text in found]
    return "\n".join(["| text | said by |", "|---|---|", *rows]) + "\n"


def main() -> None:
    Path(sys.argv[1]).write_text(page())


if __name__ == "__main__":
    main()
