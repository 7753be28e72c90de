"""Words: what a report says of a release in sentences. Times are by UTC: it is read anywhere."""

from collections.abc import Callable
from datetime import UTC, datetime

from stepcanary.domain.delivery import lead_seconds
from stepcanary.domain.durations import duration
from stepcanary.domain.evidence import odds
from stepcanary.domain.judged import MetricSeen
from stepcanary.domain.picture import Exposure, Picture, Wait
from stepcanary.domain.visible import line
from stepcanary.report.facts import Facts

SECOND = 1_000
HEADS = {
    "Released": "{version} was released in place of {before}",
    "Reverted": "{version} was reverted to {before}",
    "PromotionFailed": "{version} could not be promoted in place of {before}",
    "RevertFailed": "{version} could not be reverted to {before}: traffic may still reach it",
    "Running": "{version} is being released in place of {before}",
    "Stopped": "{version} stopped half way to replace {before}",
}
STOPPED = "its execution has ended; Reconcile returns the traffic"
FAILED = ("Reverted", "PromotionFailed", "RevertFailed", "Stopped")
DECIDES = {"Released": "promote", "Reverted": "revert"}
"""What is done by the verdict or the signal that an outcome comes of."""
WAITS = {
    "settle": "the router follows",
    "bake": "bake",
    "pause": "pause",
    "gate": "gate",
    "failed": "gate after a failed promotion",
}
WAITING = {
    "settle": "the router follows",
    "bake": "it bakes",
    "pause": "it is paused",
    "gate": "it waits at a gate",
    "failed": "the promotion has failed, it waits for a person",
}
HELD = "held bake"
NEXTS = {
    "shift": "goes on",
    "bake": "bakes once more",
    "gate": "a person decides",
    "promote": "is promoted",
    "revert": "reverts",
}


def clock(at: float) -> str:
    """The time of day of an epoch millisecond."""
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%H:%M:%S}"


def moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"


def version(picture: Picture) -> str:
    """What is released; of a rollback also what it goes back from."""
    fled = short(picture.rolled_back_from)
    return short(picture.version) + (f", rolled back from {fled}" if fled else "")


def short(images: str) -> str:
    """Without the registries and folders of images."""
    return ", ".join(each.rpartition("/")[2] for each in line(images).split(", "))


def cut(said: str, longest: int) -> str:
    return said if len(said) <= longest else f"{said[:longest].rstrip()}…"


def lasted(picture: Picture) -> str:
    ended = picture.ended_at if picture.ended_at is not None else picture.drawn_at
    return duration(max(0, ended - picture.started_at) // SECOND)


def outcome(picture: Picture) -> str:
    """How it stands, where it is not over: nobody drives a release whose execution has ended."""
    is_stopped = picture.phase != "over" and not picture.alive
    return "Stopped" if is_stopped else picture.outcome or "Running"


def headline(picture: Picture) -> str:
    """What became of it, of which versions, who and how long, without why."""
    head = HEADS.get(outcome(picture), "{version} in place of {before}: {outcome}").format(
        version=short(picture.version) or "the new version",
        before=short(picture.before) or "the version before",
        outcome=line(outcome(picture)),
    )
    rollback = " by a rollback" if picture.rolled_back_from else ""
    by = f", started by {line(picture.by)}" if picture.by else ""
    after = "for" if outcome(picture) in ("Running", "Stopped") else "after"
    return f"{head}{rollback} {after} {lasted(picture)}{by}"


def why(picture: Picture) -> str:
    """What has decided it: what reverted it, what it waits for, or what its end says."""
    last = picture.last
    if outcome(picture) == "Stopped":
        return STOPPED
    if picture.phase != "over":
        waits = picture.waiting
        now = f"{WAITING[waits.kind]} until {moment(waits.until)}" if waits else "at work"
        return f"{picture.phase}: {now}"
    if last is None or last.what != DECIDES.get(picture.outcome) or not (last.reason or last.by):
        return line(picture.cause)
    if last.source in ("verdict", "failure"):
        return line(last.reason)
    return f"{last.what} by {line(last.by) or 'somebody'}: {line(last.reason) or 'no reason given'}"


def percent(bad: int, requests: int) -> str:
    return f"{100 * bad / requests:.3g} %" if requests else "none"


def rate(bad: int, requests: int) -> str:
    """With its counts, without which a rate says nothing."""
    return f"{percent(bad, requests)} ({bad:,} of {requests:,})" if requests else "not counted"


def is_of_log(metric: MetricSeen | None) -> bool:
    return metric is not None and metric.kind == "logs"


def bad_answers(metric: MetricSeen) -> str:
    return "slow answers" if metric.kind == "latency" else "bad answers"


def judged(metric: MetricSeen) -> str:
    """Whom the evidence is about: a log counts the primary's new tasks as well."""
    return "the version" if is_of_log(metric) and metric.primary else "the canary"


def says(metric: MetricSeen) -> str:
    found = {
        "worse": f"{judged(metric)} is worse than tolerated",
        "good": f"{judged(metric)} is good",
        "undecided": "not decided",
    }[metric.says]
    return f"{found}, only observed" if metric.observed else found


def evidence(metric: MetricSeen) -> str:
    return (
        f"worse {odds(metric.worse)}, reverts at {odds(metric.needed_worse)};"
        f" good {odds(metric.good)}, enough at {odds(metric.needed_good)}"
    )


def unread(metric: MetricSeen) -> str:
    """Empty where every line of its log could be read, and of what has no log."""
    return f"{metric.unread:,} lines of its log could not be read" if metric.unread else ""


def numbers(metric: MetricSeen) -> str:
    """What both sides have counted, and what it comes to."""
    slow = f"{bad_answers(metric)}: " if metric.kind == "latency" else ""
    counted = (
        f"{slow}canary {rate(metric.canary_bad, metric.canary)},"
        f" primary {rate(metric.primary_bad, metric.primary)}"
    )
    observed = "only observed" if metric.observed else ""
    return "; ".join(filter(None, (counted, evidence(metric), unread(metric), observed)))


def exposed_metric(picture: Picture) -> MetricSeen | None:
    cost = picture.exposure
    return next((m for m in picture.metrics if cost and m.metric == cost.metric), None)


def all_at_once(picture: Picture) -> int | None:
    """Bad answers if all requests had been answered as badly as the canary's; None where there was
    no fault, or one side was not counted."""
    metric, cost = exposed_metric(picture), picture.exposure
    if metric is None or cost is None or not (metric.canary and metric.primary):
        return None
    if is_of_log(metric):
        # Of the primary it has what the same version answered.
        return None
    is_fault = metric.says == "worse" or (metric.says != "good" and picture.outcome in FAILED)
    if not is_fault or not metric.excess or metric.excess < 0:
        return None
    return round(metric.canary_bad * (metric.canary + metric.primary) / metric.canary)


def by_new_tasks(cost: Exposure) -> str:
    """What the primary's new tasks have answered."""
    return f"{cost.new_failed:,} of {cost.new_requests:,}" if cost.new_requests else ""


def bounded_metric(picture: Picture) -> MetricSeen | None:
    """Whose budget it is."""
    cost = picture.exposure
    named = cost and (cost.bounded or cost.metric)
    return next((m for m in picture.metrics if m.metric == named), None)


def budget_left(picture: Picture, cost: Exposure) -> str:
    if cost.left is None or cost.budget is None or cost.excess is None:
        return ""
    of_log = is_of_log(bounded_metric(picture))
    than = "are tolerated" if of_log else "the primary would have given"
    return (
        f"{cost.excess:,.0f} more than {than}, of a budget of {cost.budget:,.0f};"
        f" {cost.left:,.0f} left"
    )


def scope(picture: Picture) -> str:
    """Of what the canary answered, how much is counted."""
    metric = exposed_metric(picture)
    if picture.exposure is not None and picture.exposure.whole:
        return "from its first weight to its last"
    if is_of_log(metric):
        return "as its log has brought them"
    return "in the periods that were compared; all are counted minutes after the end"


def exposure(picture: Picture, named: Callable[[str], str] = line) -> str:
    """With a metric as it is `named`, where a second one has the budget."""
    cost = picture.exposure
    if cost is None:
        return "nothing was counted"
    counted = f"{cost.failed:,} bad answers of {cost.requests:,} by the canary"
    parts = [f"{counted}, {scope(picture)}"]
    if by_new := by_new_tasks(cost):
        parts.append(f"{by_new} by the primary, once it had the traffic")
    left = budget_left(picture, cost)
    if left and (cost.whole or cost.is_by_two) and not is_of_log(bounded_metric(picture)):
        left = f"in the periods that were compared {left}"
    if left and not cost.is_by_two:
        parts.append(left)
    if (at_once := all_at_once(picture)) is not None:
        parts.append(f"the same fault all at once: {at_once:,}")
    text = "; ".join(parts)
    return f"{text}. By {named(cost.bounded)}: {left}" if left and cost.is_by_two else text


def wait_name(wait: Wait, *, held: bool = False) -> str:
    return HELD if held and wait.kind == "bake" else WAITS[wait.kind]


def lead(facts: Facts) -> str:
    """From the push until the release ended Released; empty where the figures of the service leave
    it out."""
    past, picture = facts.past or {}, facts.picture
    pushed, ended = past.get("pushed_at"), picture.ended_at
    is_change = picture.outcome == "Released" and not past.get("rollback")
    if not pushed or ended is None or not is_change:
        return ""
    try:
        at = int(datetime.fromisoformat(pushed).timestamp())
    except ValueError:
        return ""
    seconds = lead_seconds(at, picture.started_at // SECOND, ended // SECOND)
    return "" if seconds is None else duration(seconds)
