"""Workflow: the stages of the definition as a Mermaid figure, in pages that have one already.

A stage is named after the state that does its work, and has the choices and waits around it with
it: a state that is in no stage is an error, so that a new one is placed.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = ROOT / "statemachine/release.asl.json"
FIGURE = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
STAGES = {
    "PlanRelease": "IsPlanAccepted WaitToBegin WaitForTurn WaitToPlan",
    "OpenRelease": "IsReleaseOpen",
    "DeployCanary": "WaitForCanary CheckCanary IsCanarySteady",
    "ShiftWeight": "Settle",
    "Bake": "WhatBakeSignal",
    "Pause": "WhatPauseSignal",
    "JudgeCanary": "WhatVerdict",
    "Gate": "WhatGateSignal",
    "PromotePrimary": "WaitForPrimary CheckPrimary IsPrimarySteady",
    "ShiftBack": "SettleBack",
    "BakeBack": "",
    "JudgeReturn": "WhatReturnVerdict",
    "ReturnTraffic": "",
    "RestorePrimary": "WhatRestored SettleOnCanary",
    "PromotionGate": "WhatDecision",
    "RestoreForRevert": "WhatRestoredForRevert SettleToRevert",
    "ReturnToOldPrimary": "CheckOldPrimary IsOldPrimarySteady WaitForOldPrimary RestoreDrifted"
    " RestoreInPlace",
    "Revert": "WaitToRevert",
    "ConfirmRest": "WhatAttempt WaitForRouter IsAtRest NoteDrift",
    "RestoreReturned": "",
    "RetireCanary": "WaitForClients",
    "CloseRelease": "WhatOutcome RevertGivenUp",
}
"""By the state that names it, the others that are drawn with it."""
WITHOUT = {"WhatAction", "TakeAction", "AnswerQuestion", "IsActionTaken", "Done"}
"""States of actions and questions, which are no release."""
INNER_ENDS = {
    "RolloutComplete",
    "CanaryRejected",
    "RevertSignalled",
    "PrimaryReady",
    "ReturnRevoked",
}
"""How a phase ends, which what follows the phase tells."""
SAID = re.compile(r"= '(\w+)'|in \[([^]]+)\]|\$(later|waits|again|steady) = true")
LAST_RESORT = "CloseRelease"
"""Where whatever else goes wrong leads from every act, which is not drawn."""
MOST_NAMES = 2
"""Of errors on one arrow."""

Way = tuple[str, str, str, bool]
"""From, to, what is said of it, and whether it is a failure's."""


def figure() -> str:
    definition = json.loads(DEFINITION.read_text())
    lines = ["flowchart TD"]
    for name, state in definition["States"].items():
        for branch in state.get("Branches", []):
            lines += [f"  subgraph {name}", *(f"    {each}" for each in _arrows(branch)), "  end"]
    return "\n".join([*lines, *(f"  {each}" for each in _arrows(definition))]) + "\n"


def page(text: str) -> str:
    """A page with the figure of now."""
    return FIGURE.sub(lambda _: f"```mermaid\n{figure()}```\n", text, count=1)


def _arrows(flow: dict[str, Any]) -> Iterator[str]:
    """One between two stages, with all that is said of the ways between them."""
    found: dict[tuple[str, str], list[Way]] = {}
    for way in _ways(flow["States"]):
        found.setdefault(way[:2], []).append(way)
    for (start, end), ways in found.items():
        said = list(dict.fromkeys(each for _, _, each, _ in ways))
        label = "" if "" in said or said == [end] else f"|{', '.join(said)}|"
        yield f"{start} {'-.->' if all(fails for *_, fails in ways) else '-->'}{label} {end}"


def _ways(states: dict[str, Any]) -> Iterator[Way]:
    """Between two stages; the ends of a phase are told by what follows the phase."""
    for name, state in states.items():
        start = stage_of(name, state)
        for target, said, fails in _next(state):
            end = stage_of(target, states[target])
            if start and end and start != end:
                yield start, end, said, fails


def stage_of(name: str, state: dict[str, Any]) -> str:
    """Empty for what is not drawn. Raises `KeyError` for a state that is in no stage."""
    is_end = state["Type"] in ("Fail", "Succeed") or state.get("End", False)
    if name in WITHOUT or (is_end and name in INNER_ENDS):
        return ""
    if is_end or state["Type"] == "Parallel" or name in STAGES:
        return name
    found = [stage for stage, others in STAGES.items() if name in others.split()]
    if not found:
        raise KeyError(f"the state {name} is in no stage of tools/draw_workflow.py")
    return found[0]


def _next(state: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for choice in state.get("Choices", []):
        yield choice["Next"], _said(choice["Condition"]), False
    for key in ("Default", "Next"):
        if key in state:
            yield state[key], "", False
    for caught in state.get("Catch", []):
        if caught["Next"] != LAST_RESORT:
            yield caught["Next"], _caught(caught["ErrorEquals"], state), _fails(caught)


def _fails(caught: dict[str, Any]) -> bool:
    return bool(caught["ErrorEquals"] != ["States.Timeout"])


def _caught(errors: list[str], state: dict[str, Any]) -> str:
    if errors == ["States.Timeout"]:
        return "time is up"
    if state["Type"] == "Parallel":
        return "any failure, an alarm, a signal"
    return "a failure" if "States.ALL" in errors or len(errors) > MOST_NAMES else ", ".join(errors)


def _said(condition: str) -> str:
    """The value that a choice is made by."""
    found = SAID.search(condition)
    return next(filter(None, found.groups())).replace("'", "") if found else ""


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        path.write_text(page(path.read_text()))


if __name__ == "__main__":
    main()
