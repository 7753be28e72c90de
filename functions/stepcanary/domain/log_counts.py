"""Log counts: what a release's log has counted, and what it comes to.

It counts the canary, and once the weights return the primary's new tasks, which run the same
version: nobody else would see what begins then.

A limit alone asks nothing of the primary, and of the counts only their sums: so it makes no
difference in which order lines come, how late, or in how large batches.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import Field

from stepcanary.domain.evidence import BETS, Counts, Tolerance, log_factor
from stepcanary.domain.judge import EVEN, Logs, Tally
from stepcanary.domain.judging import Judging
from stepcanary.domain.log_lines import Batch, Read, read
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.metric_rule import UNPROVABLE, Rule
from stepcanary.domain.model import Model

RETURNED: Final = 1_000
"""The number, in place of a step's, of what the primary's new tasks answer; after every step."""


class LogCounts(Model):
    """By step and metric: requests, bad answers, and lines that could not be read. `since` has when
    the canary was given the weight of a step, in epoch milliseconds, and `sums` how many there are
    to add to, 0 where a version of this stack began it that had only the first."""

    counts: dict[int, dict[str, Read]] = Field(default={})
    since: dict[int, int] = Field(default={})
    sums: int = 0

    def step_at(self, moment: int) -> int | None:
        """In which step a line was written; None before the canary had weight."""
        return max((step for step, since in self.since.items() if since <= moment), default=None)

    def of(self, metric: str) -> dict[int, Read]:
        return {step: found[metric] for step, found in self.counts.items() if metric in found}

    def sides(self, metric: str) -> tuple[int, int, int, int]:
        """Requests and bad answers of the canary, and of the primary's new tasks."""
        by_step = self.of(metric)
        primary = by_step.get(RETURNED, Read())
        canary = _sum(found for step, found in by_step.items() if step != RETURNED)
        return canary.requests, canary.bad, primary.requests, primary.bad

    def tallies(self, judging: Judging) -> dict[str, Tally]:
        """What each of its metrics that has counted something stands at."""
        found = {metric: self.of(metric.named) for metric in judging.logged}
        return {
            metric.named: tally(by_step, metric.rule)
            for metric, by_step in found.items()
            if by_step
        }


def counted(
    batch: Batch, sources: Mapping[str, LogSource | None], step_at: Callable[[int], int | None]
) -> LogCounts:
    """What a batch of a task's lines counts for metrics by their name, where it can be read.
    `step_at` has the step of a moment, in epoch milliseconds, and None of one in which the task had
    no weight yet: a line of then is of no request of a user."""
    counts: dict[int, dict[str, Read]] = {}
    for event in batch.events:
        step = step_at(event.timestamp)
        if step is None:
            continue
        for metric, source in sources.items():
            of_step = counts.setdefault(step, {})
            found = Read(unread=1) if source is None else read(event.message, source)
            of_step[metric] = of_step.get(metric, Read()).plus(found)
    return LogCounts(counts=counts)


def tally(by_step: dict[int, Read], rule: Rule) -> Tally:
    """Each step begins a test of its own, which all that comes later is counted for; so does the
    return of the weights, in place of the first weight, whose step begins with it."""
    of_canary = {step: found for step, found in by_step.items() if step != RETURNED}
    last = max(of_canary, default=-1)
    of_step, own = of_canary.get(last, Read()), _sum(of_canary.values())
    primary, whole = by_step.get(RETURNED, Read()), _sum(by_step.values())
    return Tally(
        tests=tuple(
            _logs(_sum(found for step, found in by_step.items() if step >= first), rule, rule.worse)
            for first in sorted(by_step)
        ),
        # The last step and what follows it have the version at 100 %.
        good=_logs(of_step.plus(primary), rule, rule.good, better=True),
        step=last,
        begun=last,
        of_step=(of_step.requests, of_step.bad, 0, 0),
        of_release=(own.requests, own.bad, primary.requests, primary.bad),
        # The budget counts from what the limit allows, for of a primary nothing is known here.
        expected=rule.worse.allowance * whole.requests,
        compared=whole.bad,
        unread=whole.unread,
    )


def _sum(found: Iterable[Read]) -> Read:
    whole = Read()
    for each in found:
        whole = whole.plus(each)
    return whole


def _logs(found: Read, rule: Rule, limit: Tolerance, *, better: bool = False) -> Logs:
    if limit.allowance >= UNPROVABLE:
        # What says nothing is no question to bet on.
        return EVEN
    counts = Counts(found.requests, found.bad, 0, 0)
    bets = (1 / bet if better else bet for bet in BETS)
    return tuple(log_factor(counts, limit, bet, rule.clusters) for bet in bets)
