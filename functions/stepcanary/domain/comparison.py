"""Comparison: what both sides count, row by row, and what the judge says of it in words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import Field

from stepcanary.domain.evidence import NOTHING, Counts, odds
from stepcanary.domain.judge import Judge, MetricVerdict, Period, Tally
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.model import Model
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.verdict import NO_HOLD, Verdict

SKEWED, SKEW_DEVIATIONS = 0.25, 5.0
"""How far a share is from its weight that is told, if chance does not explain it."""
EXPECTED = 10
"""So many requests do not fail to come by chance, but for once in twenty thousand times."""
NO_REQUESTS = "Bake longer, allow more holds, or say in no_data what silence means"
NO_READABLE = "Mend log.status or log.pattern in the profile"
NO_EVIDENCE = "Bake longer, allow more holds, or say in undecided what follows"


class Row(Model):
    """What was counted in the period that begins `at` and is so long, both in seconds, by metric:
    the canary's requests and bad answers, then the primary's. `weight` is the canary's, in percent;
    in a `moving` one it rose to that. Of an `incomplete` metric some counts of one side are
    missing."""

    at: int
    period: int = MINUTE
    step: int
    weight: int
    moving: bool = False
    counts: dict[str, tuple[int, int, int, int]]
    incomplete: list[str] = Field(default=[])


class Compared(Model):
    """Where a release stands by metric, after the period that begins at `last`. The periods of
    `step` count from `since` on. Until `settled` the weight may move in them; None while it does.
    Those that end by `until` are its own for sure: a verdict has seen the weight then. All are in
    epoch seconds."""

    tallies: dict[str, Tally] = Field(default={})
    last: int = 0
    step: int = -1
    since: int = 0
    settled: int | None = None
    until: int = 0

    @classmethod
    def together(cls, several: "Iterable[Compared]") -> "Compared":
        """Of metrics whose periods are of several lengths, which go on each for itself."""
        found = list(several)
        tallies = {metric: tally for each in found for metric, tally in each.tallies.items()}
        return cls(tallies=tallies, step=min((each.step for each in found), default=-1))

    def at_step(self, step: int, since: int, settled: int | None) -> "Compared":
        """A step that is baked again goes on from where it was."""
        if step != self.step:
            return self.model_copy(update={"step": step, "since": since, "settled": settled})
        if self.settled is None:
            return self.model_copy(update={"settled": settled})
        return self

    def after(self, row: Row, judge: Judge) -> "Compared":
        tallies = dict(self.tallies)
        for rule in judge.rules:
            if (counted := row.counts.get(rule.metric)) is not None:
                alone = row.weight == 100
                period = Period(
                    row.step,
                    Counts(*counted),
                    alone=alone,
                    complete=rule.metric not in row.incomplete,
                    moving=row.moving,
                    odds=row.weight / (100 - row.weight) if row.moving and not alone else 0.0,
                )
                before = tallies.get(rule.metric, Tally())
                tallies[rule.metric] = judge.fold(before, [period], rule)
        return self.model_copy(update={"tallies": tallies, "last": row.at})


def is_missing(canary: float, primary: float, weight: int, *, moving: bool = False) -> bool:
    """Whether a side has no requests, by whose weight `EXPECTED` and more are expected beside those
    of the other. Where the weight was moving up to this one, the canary may have had none of it."""
    if canary and primary:
        return False
    lacks_primary = canary * (100 - weight) > EXPECTED * weight
    return lacks_primary or (not moving and primary * weight > EXPECTED * (100 - weight))


def judge_of(judging: Judging, steps: int) -> Judge:
    return Judge([metric.rule for metric in judging.metrics], steps, judging.false_reverts)


def doubt(judging: Judging, judge: Judge, compared: Compared) -> str | None:
    """Why the release should revert right now, in a sentence; None where nothing says so."""
    if judging.observe:
        return None
    found = judge.judgement(compared.tallies)
    # What a log counts of the primary are its new tasks.
    logged = {metric.named for metric in judging.logged}
    sentences = [
        f"{spoken(each)}: {worse(each, 'the version' if each.rule.metric in logged else 'it')}"
        for each in found.guilty
    ]
    sentences += [
        f"{metric.named}: {_excess(metric, tally)}, over the budget of {limit:,.0f}"
        for metric in judging.metrics
        if (tally := compared.tallies.get(metric.named))
        and not metric.observe
        and metric.kind != "latency"
        and tally.excess > (limit := judging.budget or tally.default_budget)
    ]
    return "; ".join(sentences) or None


def _excess(metric: Metric, tally: Tally) -> str:
    if metric.kind == "logs":
        # Also what the primary's new tasks have answered.
        return f"the version gave {tally.excess:,.0f} bad answers more than are tolerated"
    return f"the canary gave {tally.excess:,.0f} bad answers more than the primary would have"


def spoken(said: MetricVerdict) -> str:
    """What was counted over the release, in a sentence."""
    counts, worse = said.tally.counts, said.rule.worse
    canary = f"{_share(counts.canary_bad, counts.canary)} {'slow' if said.rule.slow else 'bad'}"
    beside = [f"the primary {_share(counts.primary_bad, counts.primary)}"]
    if not worse.ratio:
        tolerated = f"and {100 * worse.allowance:.3g} % are tolerated"
        beside = [*beside, tolerated] if counts.primary else [tolerated]
    unread = f"; {said.tally.unread:,} lines could not be read" if said.tally.unread else ""
    observed = "; it is only observed" if said.rule.observed else ""
    sides = f"the canary gave {canary} answers, {', '.join(beside)}"
    return f"{said.rule.metric}: {sides}{unread}{observed}"


def _share(bad: int, requests: int) -> str:
    if not requests:
        return f"{bad:,} of {requests:,}"
    percent = 100 * bad / requests
    # Two digits are an exponent where there are three.
    return f"{bad:,} of {requests:,} ({f'{percent:.2g}' if percent < 99.5 else '100'} %)"


def worse(said: MetricVerdict, it: str = "it") -> str:
    return (
        f"evidence {odds(said.worse)} that {it} is worse than tolerated,"
        f" {odds(said.needed_worse)} is enough"
    )


def silent(metrics: list[Metric], step: int, compared: Compared) -> list[Metric]:
    """Those that judge, and have counted no request of the canary in this step."""
    return [
        metric
        for metric in metrics
        if not metric.observe
        and (
            (tally := compared.tallies.get(metric.named)) is None
            or tally.step != step
            or not tally.step_counts.canary
        )
    ]


def verdict(
    judging: Judging, judge: Judge, compared: Compared, bake: "Bake", *, approvals: bool
) -> Verdict:
    """On a step whose bake is over. Before the promotion the canary is to be shown good; until then
    it is enough that it is not shown to be worse."""
    found = judge.judgement(compared.tallies)
    skewed = _skewed(judging, compared, bake)
    summary = "; ".join([*(spoken(each) for each in found.verdicts), *skewed])
    if not judging.decides:
        return Verdict("advance", f"only observed: {summary}")
    if reason := doubt(judging, judge, compared):
        return Verdict("revert", reason)
    if (without := _without_data(judging.metrics, bake, compared)) is not None:
        return without
    if not bake.last or found.outcome == "good":
        return Verdict("advance", summary)
    return _undecided(judging, f"not enough evidence: {summary}", bake, approvals=approvals)


@dataclass(frozen=True, slots=True)
class Bake:
    """The bake that is over: of which step with which weight, whether of the last, and how many
    holds it has left."""

    step: int
    weight: int
    holds_left: int
    last: bool

    def held(self, reason: str, then: Verdict) -> Verdict:
        return Verdict("hold", reason) if self.holds_left > 0 else then


def _skewed(judging: Judging, compared: Compared, bake: Bake) -> list[str]:
    """Where the canary's share of the requests is far from its weight: clients that stay, few
    requests, or rules beside the route."""
    tallies = [compared.tallies.get(metric.named, Tally()) for metric in judging.counted]
    counts = max(
        (tally.step_counts for tally in tallies if tally.step == bake.step),
        key=lambda each: each.canary + each.primary,
        default=NOTHING,
    )
    total, weight = counts.canary + counts.primary, bake.weight / 100
    expected = total * weight
    is_far = abs(counts.canary - expected) > SKEWED * expected
    chance = SKEW_DEVIATIONS * math.sqrt(expected * (1 - weight))
    if not total or not is_far or abs(counts.canary - expected) <= chance:
        return []
    share = 100 * counts.canary / total
    return [f"the canary had {share:.3g} % of the requests at a weight of {bake.weight} %"]


def _without_data(metrics: list[Metric], bake: Bake, compared: Compared) -> Verdict | None:
    without = silent(metrics, bake.step, compared)
    names = ", ".join(_unheard(metric, compared) for metric in without)
    reason = f"no request of the canary was counted for {names}"
    if any(metric.no_data == "revert" for metric in without):
        return Verdict("revert", reason)
    unreadable = any(_is_unreadable(metric, compared) for metric in without)
    if unreadable or any(metric.no_data == "hold" for metric in without):
        what_to_do = NO_READABLE if unreadable else NO_REQUESTS
        return bake.held(reason, Verdict("revert", f"{reason}{NO_HOLD}{what_to_do}"))
    return None


def _is_unreadable(metric: Metric, compared: Compared) -> bool:
    """Whether lines came and none could be read: that is no silence, which `no_data` is about."""
    tally = compared.tallies.get(metric.named, Tally())
    return bool(tally.unread) and not tally.counts.canary


def _unheard(metric: Metric, compared: Compared) -> str:
    """With the lines of its log, which are there and cannot be read."""
    tally = compared.tallies.get(metric.named, Tally())
    unread = f" ({tally.unread:,} lines could not be read)" if tally.unread else ""
    return f"{metric.named}{unread}"


def _undecided(judging: Judging, reason: str, bake: Bake, *, approvals: bool) -> Verdict:
    match judging.undecided:
        case "revert" | "advance" as decision:
            return Verdict(decision, reason)
        case "gate":
            return Verdict("advance", reason, gated=True)
        case "hold":
            return bake.held(reason, Verdict("revert", f"{reason}{NO_HOLD}{NO_EVIDENCE}"))
        case _:
            return bake.held(reason, Verdict("advance", reason, gated=approvals))
