"""The first change, as its page shows it: the rule goes where the page says, and its tests pass."""

import ast
from typing import Any
from unittest.mock import patch

from emulator.template import ROOT
from stepcanary.domain.verdict import Alarm
from stepcanary.release import rollout
from tests.builders import profile, request
from tests.docs.test_docs import blocks
from tests.statemachine.runner import World

TABLE, RULE, FUNCTION, TEST = blocks(ROOT / "docs/first-change.md", "python")


def changed() -> dict[str, Any]:
    """What is in the module of the verdict, with the change."""
    source = (ROOT / "functions/stepcanary/domain/verdict.py").read_text()
    before, after = source.index("    if doubt :="), source.index("    if not names:")
    names: dict[str, Any] = {"__name__": "stepcanary.domain.verdict"}
    code = source[:before] + RULE + source[after:] + FUNCTION
    exec(compile(code, "verdict.py", "exec"), names)  # noqa: S102 - the page is in this repository
    return names


def test_the_two_lines_of_the_table_hold_with_the_rule() -> None:
    rows = ast.literal_eval(f"[{TABLE.partition('    ],')[0]}]")
    judge = changed()["judge"]
    for states, holds_left, decision in rows:
        alarms = [Alarm(f"alarm-{n}", state) for n, state in enumerate(states)]
        assert judge([alarm.name for alarm in alarms], alarms, holds_left).decision == decision
    assert len(rows) == 2


def test_the_release_of_the_page_ends_as_it_says(here: World) -> None:
    names: dict[str, Any] = {"World": World, "request": request, "profile": profile}
    exec(TEST, names)  # noqa: S102 - the page is in this repository
    (shown,) = (value for name, value in names.items() if name.startswith("test_"))
    with patch.object(rollout, "judge", changed()["judge"]):
        shown(here)
