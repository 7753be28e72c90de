"""Markdown: a release in five lines, for a pull request, a job summary or Slack.

What others have said is in code spans, in which nothing is a link, a mention or markup.
"""

import re

from stepcanary.domain.judged import MetricSeen
from stepcanary.domain.visible import line
from stepcanary.report import words
from stepcanary.report.facts import Facts

LONGEST = 400
"""Characters of one thing that others have said."""


def markdown(facts: Facts) -> str:
    picture = facts.picture
    name = picture.execution.rpartition(":")[2]
    weights = " → ".join(f"{each.weight} %" for each in picture.weights) or "never on the canary"
    versions = f"{code(words.short(picture.before))} → {code(words.version(picture))}"
    by = f", by {code(picture.by)}" if picture.by else ""
    return "\n".join(
        [
            f"**{code(picture.service)}: {_outcome(words.outcome(picture))}** {versions},"
            f" {words.lasted(picture)}{by}",
            f"- Why: {code(words.why(picture))}",
            f"- Counted: {_metrics(picture.metrics)}",
            f"- Exposure: {words.exposure(picture, code)}",
            f"- Canary: {weights}; release {code(name)}, evidence `sha256:{facts.sha256[:16]}`",
        ]
    )


def _outcome(outcome: str) -> str:
    return outcome if outcome.isalpha() and outcome.isascii() else code(outcome)


def _metrics(metrics: list[MetricSeen]) -> str:
    found = [f"{code(m.metric)} {words.numbers(m)}" for m in metrics]
    return ". ".join(found) or "nothing, alarms alone decide"


def code(text: str) -> str:
    """As a code span, whose fence is longer than any in the text."""
    shown = words.cut(line(text).strip(), LONGEST)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown or '?'}{space}{fence}"
