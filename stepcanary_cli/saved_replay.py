"""Saved replay: the judge once more over what a report has, and whether the report was changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stepcanary.domain.durations import duration
from stepcanary.domain.judging import Judging
from stepcanary.domain.rejudging import Rejudgement, rejudged
from stepcanary.domain.replay import Replay
from stepcanary.domain.visible import line
from stepcanary.report.facts import Facts
from stepcanary_cli.failures import Misuse
from stepcanary_cli.options import Use
from stepcanary_cli.outcomes import Answer, Exit
from stepcanary_cli.saved import Saved, saved
from stepcanary_cli.showing import columns
from stepcanary_cli.times import moment

SECOND = 1_000


def replay_saved(mine: Use, path: Path) -> Exit:
    """It asks nobody. What does not hold or does not agree is told, with an exit code."""
    report = saved(path)
    found = _found(path, report)
    mine.screen.answer(found, "\n".join(_lines(found, path)))
    return Exit.DONE if found["holds"] and found["agrees"] else Exit.REJECTED


def _found(path: Path, report: Saved) -> Answer:
    facts = report.facts
    picture = facts.picture
    found: dict[str, Any] = {
        "execution": picture.execution,
        "service": picture.service,
        "was": picture.outcome,
        "sha256": report.sha256,
        "holds": report.holds,
        "agrees": True,
        "verdicts": [],
        "release": None,
        "logs": [],
    }
    judging = _judging(path, facts)
    if judging is None:
        return found
    steps = len(picture.steps)
    given = [v for step in (*picture.steps, *picture.return_steps) for v in step.verdicts]
    again = rejudged(judging, steps, facts.rows, given)
    found["verdicts"] = [each.model_dump() for each in again]
    found["agrees"] = all(each.agrees for each in again)
    found["logs"] = [metric.named for metric in judging.logged]
    if judging.counted and facts.rows:
        by_rows = judging.model_copy(update={"metrics": judging.counted})
        replay = Replay(by_rows, [], 0)
        whole = replay.rejudged(picture.execution, picture.outcome, steps, facts.rows)
        found["release"] = whole.model_dump()
    return found


def _judging(path: Path, facts: Facts) -> Judging | None:
    if facts.judging is None:
        return None
    try:
        return Judging.model_validate(facts.judging, extra="ignore", strict=False)
    except ValidationError as error:
        raise Misuse(
            f"--from {path} has a judge that this command does not know; take the version of the"
            " command that wrote it"
        ) from error


def _lines(found: Answer, path: Path) -> Iterator[str]:
    yield f"{line(found['service'])}: {line(found['was'])}, {line(found['execution'])}"
    if found["holds"]:
        yield f"the data of {path} are as they were written: sha256:{line(found['sha256'])}"
    else:
        yield (
            f"the data of {path} were changed since they were written: they are not what"
            f" sha256:{line(found['sha256'])} is of"
        )
    yield ""
    yield from _verdicts([Rejudgement.model_validate(each) for each in found["verdicts"]])
    whole = found["release"]
    if whole is not None:
        if whole["seconds"] is None:
            yield f"the judge over all periods: {whole['outcome']}"
        else:
            when = f"{duration(whole['seconds'])} after the first began"
            yield f"the judge over all periods: revert {when}: {line(whole['reason'])}"
    if found["logs"]:
        yield (
            f"not judged again: {', '.join(map(line, found['logs']))}; a report has the sums of a"
            " log, not its lines"
        )


def _verdicts(again: list[Rejudgement]) -> Iterator[str]:
    if not again:
        yield "no verdict was given by periods that the report has"
        return
    rows = [
        (
            moment(each.at / SECOND),
            f"{each.weight} %",
            line(each.metric),
            each.then,
            _said(each),
        )
        for each in again
    ]
    yield from columns(("verdict", "weight", "metric", "it was", "now"), rows)
    agree = sum(each.agrees for each in again)
    yield f"{agree} of {len(again)} agree"


def _said(each: Rejudgement) -> str:
    if each.now is None:
        return "not in the periods of the report"
    if each.agrees:
        return "the same"
    return each.now if each.now != each.then else f"{each.now}, with other evidence"
