"""Asking: the stack's answers about a release of the demo, and the page that comes of them."""

import json
from functools import partial
from pathlib import Path

from sandbox.cloud import Sandbox
from stepcanary.domain.questions import function_of
from stepcanary.report.facts import Facts
from stepcanary.report.page import page
from stepcanary_cli.failures import Refused
from stepcanary_cli.outcomes import Answer


def ask(sandbox: Sandbox, question: Answer) -> Answer:
    """Raises `Refused`, as of a release that has not begun."""
    answer = sandbox.client("lambda").invoke(
        FunctionName=function_of(sandbox.machine), Payload=json.dumps(question)
    )
    found = json.loads(answer["Payload"].read())
    if not found.get("accepted"):
        raise Refused(str(found.get("cause") or found))
    answered: Answer = found["answer"]
    return answered


def write(sandbox: Sandbox, execution: str, path: Path) -> None:
    """The report of a release, as a page; nothing of one that never began."""
    try:
        facts = Facts.gathered(partial(ask, sandbox), execution)
    except Refused:
        path.unlink(missing_ok=True)
        return
    path.write_text(page(facts), encoding="utf-8")
    print(f"  its report: {path}", flush=True)
