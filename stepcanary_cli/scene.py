"""Scene: a picture as a terminal shows it, at whatever width; what others say is never markup."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from stepcanary.domain.durations import duration
from stepcanary.domain.evidence import odds
from stepcanary.domain.judged import MetricSeen
from stepcanary.domain.picture import Picture, Said, StepSeen
from stepcanary.domain.visible import line
from stepcanary.report import words
from stepcanary_cli.telling import VERDICTS
from stepcanary_cli.times import ago, clock

SECOND = 1_000
NARROW = 72
"""Columns below which a row of numbers is two."""
LEAST_TABLE = 60
"""Columns below which the numbers of a side are a sentence: a table would cut them."""
LONGEST_NAME = 16
"""Characters of a metric's name in one line of the table."""
BAR, SHORT_BAR = 24, 10
SET_IN = "    "
OUTCOMES = {"Released": "green", "Reverted": "red", "Running": "cyan"}
MEANINGS = {
    "promote": "go on to the end",
    "resume": "go on",
    "retry": "try the promotion again",
    "revert": "send all traffic back",
    "withdraw": "take it back",
}
"""Of the commands that a person may type, those that a wait for a person asks for."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A release that has not begun: what it waits for, since when and until when at most, in epoch
    seconds."""

    service: str
    execution: str
    why: str
    since: int | None = None
    until: int | None = None
    commands: tuple[str, ...] = ()


Shown = Picture | Queued


def scene(shown: Shown, *, now: float, width: int) -> RenderableType:
    """`now` is in epoch seconds: between two pictures the clock goes on."""
    parts = _queued(shown, now) if isinstance(shown, Queued) else _picture(shown, now, width)
    return Group(*parts)


class Hanging:
    """A text that is folded where it is too long, since what is cut off cannot be read. All but its
    first line are set in, so that no word of others begins a line."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(8, options.max_width - len(SET_IN))
        for number, part in enumerate(self.text.wrap(console, width, overflow="fold")):
            yield Text.assemble(SET_IN if number else "", part)


def _text(*spans: str | Text | tuple[str, str]) -> Hanging:
    return Hanging(Text.assemble(*spans))


def _queued(queued: Queued, now: float) -> Iterator[RenderableType]:
    yield _text((line(queued.service), "bold"), "  ", (line(queued.why), "yellow"))
    if queued.since is not None:
        since = f"since {clock(queued.since, now)} ({ago(queued.since, now)})"
        left = "" if queued.until is None else f", until {_until(queued.until, now)}"
        yield _text(f"{since}{left}")
    yield from _commands(queued.commands, queued.service)


def _until(seconds: float, now: float) -> str:
    left = duration(max(0, int(seconds - now)))
    return f"{clock(seconds, now)} ({left} left)" if seconds > now else f"{clock(seconds, now)}"


def _commands(kinds: Sequence[str], service: str) -> Iterator[RenderableType]:
    for kind in kinds:
        command = f"  stepcanary {kind} {line(service)}"
        yield _text((command, "bold"), (f"  {MEANINGS.get(kind, '')}".rstrip(), "dim"))


def _picture(picture: Picture, now: float, width: int) -> Iterator[RenderableType]:
    yield from _head(picture, now)
    yield from _waiting(picture, now)
    yield Text()
    yield from _steps(picture, now, width)
    yield from _numbers(picture, width)
    yield from _rest(picture, now)


def _head(picture: Picture, now: float) -> Iterator[RenderableType]:
    rollback = " (rollback)" if picture.rolled_back_from else ""
    versions = f"{line(picture.before)} → {line(picture.version)}{rollback}"
    by = f"  by {line(picture.by)}" if picture.by else ""
    yield _text((line(picture.service), "bold"), f"  {versions}", (by, "dim"))
    yield _text((_standing(picture), OUTCOMES.get(picture.outcome, "red")))
    started = picture.started_at / SECOND
    if picture.ended_at is None:
        yield _text((f"began {clock(started, now)}, {ago(started, now)}", "dim"))
    else:
        ended = picture.ended_at / SECOND
        lasted = duration((picture.ended_at - picture.started_at) // SECOND)
        yield _text((f"ended {clock(ended, now)}, {ago(ended, now)}, after {lasted}", "dim"))
    if picture.cause:
        yield _text(line(picture.cause))


def _standing(picture: Picture) -> str:
    if picture.phase == "over":
        return line(picture.outcome)
    parts: list[str] = [picture.phase]
    if not picture.alive:
        parts = [words.STOPPED]
    if picture.step is not None:
        parts.append(f"step {picture.step + 1} of {len(picture.steps)}")
    if picture.weight is not None:
        parts.append(f"canary {picture.weight} %")
    if picture.left_seconds is not None and picture.alive:
        parts.append(f"{duration(picture.left_seconds)} of steps left, if nothing holds them")
    return " · ".join(parts)


def _waiting(picture: Picture, now: float) -> Iterator[RenderableType]:
    waiting = picture.waiting
    if waiting is not None and waiting.is_for_a_person:
        what = {
            "pause": "it is paused",
            "gate": "a gate: it waits for a person",
            "failed": "the promotion has failed: it waits for a person",
        }[waiting.kind]
        until = _until(waiting.until / SECOND, now)
        yield _text((what, "bold yellow"), f", until {until}")
        yield from _commands(waiting.ends_on, picture.service)
    if last := picture.last:
        reason = f": {line(last.reason)}" if last.reason else ""
        yield _text((f"{clock(last.at / SECOND, now)}  ", "dim"), _decided(last), reason)


def _decided(said: Said) -> str:
    match said.source:
        case "verdict":
            return VERDICTS.get(said.what, line(said.what))
        case "signal":
            return f"{line(said.what)} by {line(said.by) or 'somebody'}"
        case "foreign":
            return "somebody else wrote a route"
        case "failure":
            return "the promotion has failed"


def _steps(picture: Picture, now: float, width: int) -> Iterator[RenderableType]:
    for step in picture.steps:
        yield _step(step, picture, now, width)
    for step in picture.return_steps:
        yield _step(step, picture, now, width)


def _step(step: StepSeen, picture: Picture, now: float, width: int) -> Hanging:
    size = BAR if width >= NARROW else SHORT_BAR
    part, style = _part(step, picture, now)
    full = round(part * size)
    marks = {"past": "✓", "now": "▸", "to come": " ", "left out": "-"}
    is_bad = step.state == "past" and _has_failed(step, picture)
    mark = "✕" if is_bad else marks[step.state]
    return _text(
        (f"{mark} {step.weight:>3} % ", "bold" if step.state == "now" else ""),
        ("━" * full, style),
        ("─" * (size - full), "dim"),
        f" {_how(step, picture, now)}",
    )


def _has_failed(step: StepSeen, picture: Picture) -> bool:
    """Whether the way back began in it, before any promotion."""
    if step.verdicts and step.verdicts[-1].next == "revert":
        return True
    past = [each for each in picture.steps if each.state == "past"]
    was_promoted = any(each.side == "primary" for each in picture.deployed)
    return picture.returning is not None and not was_promoted and past[-1:] == [step]


def _part(step: StepSeen, picture: Picture, now: float) -> tuple[float, str]:
    """How much of the step is over."""
    if step.state in ("to come", "left out") or step.at is None:
        return 0.0, "dim"
    if step.state == "past":
        lasts = (step.settle_seconds + step.bake_seconds) * SECOND
        took = (step.ended_at or step.at) - step.at
        part = 1.0 if step.verdicts else min(1.0, took / max(1, lasts))
        return part, "red" if _has_failed(step, picture) else "green"
    waiting = picture.waiting
    if waiting is not None and waiting.is_for_a_person:
        return 1.0, "yellow"
    lasts = max(1, step.settle_seconds + step.bake_seconds) * SECOND
    return min(1.0, max(0.0, (now * SECOND - step.at) / lasts)), "cyan"


def _how(step: StepSeen, picture: Picture, now: float) -> str:
    share = "" if step.share is None else f", had {100 * step.share:.3g} % of the requests"
    gate = ", then a gate" if step.approval else ""
    waiting = picture.waiting
    match step.state:
        case "to come":
            return f"{duration(step.bake_seconds)}{gate}"
        case "left out":
            return "left out"
        case "past":
            took = duration(((step.ended_at or 0) - (step.at or 0)) // SECOND)
            return f"{took}{share}"
    if not picture.alive:
        return f"stopped{share}"
    if waiting is None:
        return f"at work{share}"
    names = {"settle": "the router follows", "bake": "bakes", "pause": "paused", "gate": "gate"}
    left = duration(max(0, int(waiting.until / SECOND - now)))
    return f"{names.get(waiting.kind, waiting.kind)}, {left} left{share}"


def _numbers(picture: Picture, width: int) -> Iterator[RenderableType]:
    if not picture.metrics:
        return
    yield Text()
    made = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("", "side", "requests", "bad", "share"):
        is_text = column in ("", "side")
        made.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    if width >= NARROW:
        made.add_column("evidence", overflow="fold")
    below: list[Hanging] = []
    for metric in picture.metrics:
        worse, good = _evidence(metric)
        name = line(metric.metric)
        rows = [
            (_folded(name), "canary", metric.canary, metric.canary_bad, worse),
            ("", "primary", metric.primary, metric.primary_bad, good),
        ]
        for first, side, requests, bad, evidence in rows:
            cells = [first, side, f"{requests:,}", f"{bad:,}", _percent(bad, requests)]
            made.add_row(*(Text(cell) for cell in cells), *([evidence] if width >= NARROW else []))
            if width < LEAST_TABLE:
                share = _percent(bad, requests)
                below.append(_text(f"{name} {side}: {bad:,} bad of {requests:,}, {share}"))
        if width < NARROW:
            below += [_text(f"{name}: ", each) for each in (worse, good)]
        if unread := words.unread(metric):
            below.append(_text(f"{name}: {unread}"))
    if width >= LEAST_TABLE:
        yield made
    yield from below


def _folded(name: str) -> str:
    """Over lines of which but the first are set in: what others have named begins none of ours."""
    parts = [name[at : at + LONGEST_NAME] for at in range(0, len(name), LONGEST_NAME)]
    return "\n  ".join(parts)


def _percent(bad: int, requests: int) -> str:
    return f"{100 * bad / requests:.3g} %" if requests else "none"


def _evidence(metric: MetricSeen) -> tuple[Text, Text]:
    seen = ", only observed" if metric.observed else ""
    worse = f"worse {odds(metric.worse)}, reverts at {odds(metric.needed_worse)}{seen}"
    good = f"good {odds(metric.good)}, enough at {odds(metric.needed_good)}"
    return (
        Text(worse, style="red" if metric.says == "worse" else "", overflow="fold"),
        Text(good, style="green" if metric.says == "good" else "", overflow="fold"),
    )


def _rest(picture: Picture, now: float) -> Iterator[RenderableType]:
    found: list[Hanging] = []
    if cost := picture.exposure:
        so_far = "" if cost.whole else " so far"
        text = f"bad answers of the canary{so_far}: {cost.failed:,} of {cost.requests:,}"
        if by_new := words.by_new_tasks(cost):
            text += f"; {by_new} by the primary, once it had the traffic"
        left = ""
        if cost.left is not None and picture.phase != "over":
            of_log = words.is_of_log(words.bounded_metric(picture))
            than = "are tolerated" if of_log else "the primary's"
            left = f"{cost.left:,.0f} more than {than} until it reverts"
        if left and not cost.is_by_two:
            text += f"; {left}"
        found.append(_text(text))
        if left and cost.is_by_two:
            found.append(_text(f"by {line(cost.bounded)}: {left}"))
    if picture.tasks:
        sides = (f"{side} {t.running} of {t.desired}" for side, t in picture.tasks.items())
        found.append(_text(f"tasks: {', '.join(sides)}"))
    found += [
        _text(f"{line(route)}: {line(weights)} (primary:canary)")
        for route, weights in picture.routes.items()
    ]
    found += [_text((f"somebody else: {line(said.reason)}", "yellow")) for said in picture.foreign]
    if back := picture.returning:
        rested = f", at rest {clock(back.rested_at / SECOND, now)}" if back.rested_at else ""
        reads = [f"{each.weight} % at {clock(each.at / SECOND, now)}" for each in back.reads]
        read = f", read back {', '.join(reads)}" if reads else ""
        found.append(
            _text(f"the weights return since {clock(back.began_at / SECOND, now)}{read}{rested}")
        )
    found += [_text((f"warning: {line(text)}", "yellow")) for text in picture.warnings]
    if found:
        yield Text()
    yield from found
