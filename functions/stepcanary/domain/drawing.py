"""Drawing: the picture of a release from the evidence of it, which is all given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stepcanary.domain.comparison import Compared
from stepcanary.domain.content import Content, spoken
from stepcanary.domain.exposure import BETWEEN_SECONDS
from stepcanary.domain.judged import Judged, MetricSeen, seen
from stepcanary.domain.moments import REPLACES, Moment, WaitKind, left_out
from stepcanary.domain.picture import (
    Deployed,
    Exposure,
    ImageChange,
    Phase,
    Picture,
    Returning,
    Said,
    StepSeen,
    StepState,
    Tasks,
    Wait,
    Waiting,
    Weight,
)
from stepcanary.domain.profile import Step
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import short_name
from stepcanary.domain.signals import Signal
from stepcanary.domain.split import SideName
from stepcanary.domain.toll import NOTHING, Toll

ENDS: dict[WaitKind, frozenset[str]] = {
    "settle": frozenset({"revert"}),
    "bake": frozenset({"pause", "promote", "revert", "skip"}),
    "pause": frozenset({"promote", "resume", "revert"}),
    "gate": frozenset({"promote", "resume", "revert"}),
    "failed": frozenset({"retry", "revert"}),
}
DEPLOYS: dict[SideName, Sequence[str]] = {"canary": ("canary",), "primary": REPLACES}
"""The kinds of moments in which a side gets a revision."""
SECOND = 1_000
TOLERANCE = 2 * SECOND
"""A signal is known to the second, and obeyed a moment later."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a release. Times are in epoch milliseconds. `waits` says whether it waits
    now: then `offers` are the signals that it takes, and `wait` is that wait's name."""

    release: Release
    now: int
    started_at: int
    moments: Sequence[Moment] = ()
    verdicts: Sequence[Judged] = ()
    signals: Sequence[Signal] = ()
    compared: Compared = field(default_factory=Compared)
    tolls: Mapping[str, Toll] = field(default_factory=dict)
    """By metric the canary's requests and its bad answers, where all of it is published."""
    changes: Sequence[str] = ()
    content: Content = field(default_factory=dict)
    """What the canary was found to run, or the primary has got."""
    phase: Phase = "opening"
    alive: bool = True
    outcome: str = ""
    cause: str = ""
    ended_at: int | None = None
    waits: bool = False
    wait: int = 0
    offers: Sequence[str] = ()
    tasks: dict[SideName, Tasks] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)


def draw(found: Evidence) -> Picture:
    release = found.release
    acts = _told(found)
    metrics = (
        [] if release.judge is None else seen(release.judge, len(release.steps), found.compared)
    )
    steps = _steps(found, acts)
    weights = [Weight(at=m.at, weight=int(m.text)) for m in acts.of("weight")]
    return_steps = _return_steps(found, acts)
    of_steps = {wait.at for step in (*steps, *return_steps) for wait in step.waits}
    waiting = _waiting(found, acts)
    current = next((n for n, step in enumerate(steps) if step.state == "now"), None)
    plan, plan_ends = _planned(release, weights)
    return Picture(
        drawn_at=found.now,
        execution=release.execution,
        service=release.service,
        by=release.by,
        before=_before(release),
        version=release.version,
        rolled_back_from=release.fled.version if release.fled else "",
        phase="over" if found.ended_at is not None else found.phase,
        alive=found.alive,
        outcome=found.outcome,
        cause=found.cause,
        started_at=found.started_at,
        ended_at=found.ended_at,
        weight=weights[-1].weight if weights else None,
        step=current,
        steps=steps,
        return_steps=return_steps,
        left_seconds=_left(found, steps, current, waiting),
        planned=plan,
        planned_until=plan_ends,
        weights=weights,
        waits=[wait for wait in acts.waits if wait.at not in of_steps],
        waiting=waiting,
        metrics=metrics,
        exposure=_exposure(metrics, found.tolls),
        signals=sorted(found.signals, key=lambda signal: signal.at),
        last=_last(found, acts),
        failures=_failures(acts),
        foreign=[Said(at=m.at, source="foreign", reason=m.text) for m in acts.of("foreign")],
        tasks=found.tasks,
        routes=found.routes,
        deployed=_deployed(found, acts),
        images=_images(release, found.content),
        changes=list(found.changes),
        returning=_returning(acts, weights),
        warnings=[*release.warnings, *_gaps(acts)],
        alarms=release.alarms,
    )


@dataclass(frozen=True, slots=True)
class _Acts:
    moments: list[Moment]
    waits: list[Wait]

    def of(self, kind: str) -> list[Moment]:
        return [moment for moment in self.moments if moment.kind == kind]

    def waits_in(self, begun: int | None, ended: int | None) -> list[Wait]:
        """Those of a step that has begun; of one that goes on up to now."""
        return [
            wait
            for wait in self.waits
            if begun is not None and begun <= wait.at and (ended is None or wait.at < ended)
        ]

    def first(self, kind: str) -> int | None:
        return next((moment.at for moment in self.moments if moment.kind == kind), None)


def _told(found: Evidence) -> _Acts:
    moments = _once(found.moments)
    release = found.release
    verdicts = sorted(verdict.at for verdict in found.verdicts)
    waits = []
    for number, moment in enumerate(moments):
        if moment.kind not in ENDS or _is_for_tasks(moments, number):
            continue
        kind = _kind_of(moments, number)
        until = moment.at + SECOND * _lasts(release, kind, moments[:number])
        ends = [m.at for m in moments[number + 1 :] if m.at > moment.at][:1]
        ends += [at for at in verdicts if at >= moment.at][:1]
        ends += [found.ended_at] if found.ended_at is not None else []
        ended_at = min(ends) if ends else None
        waits.append(Wait(kind=kind, at=moment.at, until=until, ended_at=ended_at))
    _note_signals(waits, found.signals)
    return _Acts(moments, waits)


def _gaps(acts: _Acts) -> Iterator[str]:
    if count := left_out(acts.moments):
        yield (
            f"the release has done so much that {count:,} of its weights and waits, from the middle"
            " of it, were not kept"
        )


def _once(moments: Sequence[Moment]) -> list[Moment]:
    """In their order, without what a second delivery has told again."""
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda each: each.at):
        again = kept and (kept[-1].kind, kept[-1].text) == (moment.kind, moment.text)
        is_same_wait = again and moment.kind in ENDS and kept[-1].at == moment.at
        if not again or (moment.kind in ENDS and not is_same_wait):
            kept.append(moment)
    return kept


def _kind_of(moments: list[Moment], number: int) -> WaitKind:
    """A bake of the way back ends on what a settling does, and follows it."""
    kind = moments[number].kind
    if kind == "settle" and number and moments[number - 1].kind == "settle":
        return "bake"
    assert kind in ENDS
    return kind


def _is_for_tasks(moments: list[Moment], number: int) -> bool:
    """Whether it waits for the primary's tasks: that is seen in what was deployed."""
    acts = [moment.kind for moment in moments[:number] if moment.kind not in ENDS]
    return moments[number].kind == "settle" and acts[-1:] == ["primary"]


def _lasts(release: Release, kind: WaitKind, before: list[Moment]) -> int:
    if kind == "settle":
        return release.settle_seconds
    if kind == "bake" and any(moment.kind == "primary" for moment in before):
        return release.promotion.return_bake_seconds
    if kind == "bake":
        weights = [int(m.text) for m in before if m.kind == "weight"]
        step = _step_at(release.steps, weights[-1] if weights else 0)
        return release.steps[step].bake_seconds if release.steps else 0
    return release.promotion.gate_seconds


def _step_at(steps: Sequence[Step], weight: int) -> int:
    """The step with this weight; they rise."""
    last = max(0, len(steps) - 1)
    return next((n for n, step in enumerate(steps) if step.weight >= weight), last)


def _note_signals(waits: list[Wait], signals: Sequence[Signal]) -> None:
    """What each signal has ended: of the waits that take it, the one whose end is nearest to it."""
    for signal in signals:
        at = signal.at * SECOND
        ended = [
            (abs(wait.ended_at - at), number)
            for number, wait in enumerate(waits)
            if wait.ended_at is not None
            if signal.kind in ENDS[wait.kind] and not wait.ended_by
            if wait.at - TOLERANCE <= at <= wait.ended_at + TOLERANCE
        ]
        if ended:
            _, number = min(ended)
            waits[number] = waits[number].model_copy(update={"ended_by": str(signal)})


def _steps(found: Evidence, acts: _Acts) -> list[StepSeen]:
    release = found.release
    left_at = min(
        (at for kind in ("primary", "returning") if (at := acts.first(kind)) is not None),
        default=None,
    )
    shifts: dict[int, int] = {}
    for moment in acts.of("weight"):
        if int(moment.text) > 0 and (left_at is None or moment.at <= left_at):
            shifts.setdefault(_step_at(release.steps, int(moment.text)), moment.at)
    over = left_at or found.ended_at
    current = max(shifts, default=0)
    made = []
    for number, step in enumerate(release.steps):
        at = shifts.get(number)
        later = [begun for other, begun in shifts.items() if other > number]
        ended = min(later, default=over) if at is not None else None
        state: StepState
        if at is not None:
            state = "now" if number == current and over is None else "past"
        else:
            state = "to come" if over is None and number >= current else "left out"
        verdicts = [d for d in _verdicts(found) if d.step == number and not d.returning]
        made.append(
            StepSeen(
                weight=step.weight,
                settle_seconds=release.settle_seconds,
                bake_seconds=step.bake_seconds,
                approval=step.approval,
                tasks=release.sizing.tasks(step.weight),
                state=state,
                at=at,
                ended_at=ended,
                share=_share(found, verdicts, number),
                waits=acts.waits_in(at, ended),
                verdicts=verdicts,
            )
        )
    return made


def _verdicts(found: Evidence) -> list[Judged]:
    """Of two deliveries of one act the later one counts."""
    return list({verdict.at: verdict for verdict in found.verdicts}.values())


def _share(found: Evidence, verdicts: list[Judged], step: int) -> float | None:
    """By what counts both sides at the same time, as a log does not."""
    logged = {metric.named for metric in found.release.judge.logged} if found.release.judge else ()
    counted = [
        seen.step for verdict in verdicts for seen in verdict.metrics if seen.metric not in logged
    ]
    counted += [
        tally.of_step
        for name, tally in found.compared.tallies.items()
        if tally.step == step and name not in logged
    ]
    totals = [(counts[0], counts[0] + counts[2]) for counts in counted]
    canary, every = max(totals, key=lambda each: each[1], default=(0, 0))
    return round(canary / every, 4) if every else None


def _return_steps(found: Evidence, acts: _Acts) -> list[StepSeen]:
    """Each promotion that is tried again has its own; these are of the last one."""
    release, begun = found.release, [m.at for m in acts.of("primary")]
    back = [m for m in acts.of("weight") if begun and m.at > begun[-1] and int(m.text) < 100]
    shifts = {int(moment.text): moment.at for moment in reversed(back)}
    made = []
    returned = acts.first("returning")
    over = returned or found.ended_at
    for number, step in enumerate(release.return_steps):
        at = shifts.get(step.weight)
        ended = min((other for other in shifts.values() if at and other > at), default=over)
        state: StepState = "to come" if over is None else "left out"
        if at is not None:
            state = "now" if ended is None else "past"
        made.append(
            StepSeen(
                weight=step.weight,
                settle_seconds=release.settle_seconds,
                bake_seconds=step.bake_seconds,
                state=state,
                at=at,
                ended_at=ended if at is not None else None,
                waits=acts.waits_in(at, ended),
                verdicts=[d for d in _verdicts(found) if d.step == number and d.returning],
            )
        )
    return made


def _waiting(found: Evidence, acts: _Acts) -> Waiting | None:
    if not found.waits or not acts.waits or found.ended_at is not None:
        return None
    last = acts.waits[-1]
    if last.ended_at is not None:
        return None
    return Waiting(
        kind=last.kind,
        since=last.at,
        until=last.until,
        wait=found.wait,
        ends_on=list(found.offers),
    )


def _left(
    found: Evidence, steps: list[StepSeen], current: int | None, waiting: Waiting | None
) -> int | None:
    if found.phase not in ("opening", "rollout") or found.ended_at is not None:
        return None
    if waiting is not None and waiting.is_for_a_person:
        return None
    coming = [step for step in steps if step.state == "to come"]
    left = sum(step.settle_seconds + step.bake_seconds + BETWEEN_SECONDS for step in coming)
    if current is not None and waiting is not None:
        left += max(0, waiting.until - found.now) // SECOND
        if waiting.kind == "settle":
            left += steps[current].bake_seconds
    return left


def _planned(release: Release, weights: list[Weight]) -> tuple[list[Weight], int | None]:
    """From the first weight on that was read back, and until when. What the stack itself takes from
    a bake to the next weight is in no plan."""
    at = next((each.at for each in weights if each.weight), None)
    planned: list[Weight] = []
    if at is None:
        return planned, None
    for step in release.steps:
        planned.append(Weight(at=at, weight=step.weight))
        at += SECOND * (release.settle_seconds + step.bake_seconds)
    return planned, at


def _exposure(metrics: list[MetricSeen], tolls: Mapping[str, Toll]) -> Exposure | None:
    """Of what decides by bad answers; slow ones are answers all the same."""
    counted = [m for m in metrics if m.kind != "latency" and not m.observed]
    whole = {m.metric: toll for m in counted if (toll := tolls.get(m.metric, NOTHING))[0]}
    by_metric = whole or {m.metric: (m.canary, m.canary_bad) for m in counted}
    metric = max(by_metric, key=lambda name: by_metric[name][0], default="")
    requests, failed = by_metric.get(metric, NOTHING)
    if not requests:
        return None
    new = next((m for m in counted if m.kind == "logs"), None)
    lefts = [(left, n) for n, m in enumerate(counted) if (left := m.left) is not None]
    left, number = min(lefts, default=(None, 0))
    bounded = counted[number]
    return Exposure(
        metric=metric,
        requests=requests,
        failed=failed,
        new_requests=new.primary if new else 0,
        new_failed=new.primary_bad if new else 0,
        whole=bool(whole),
        bounded=bounded.metric,
        excess=bounded.excess,
        budget=bounded.budget,
        left=None if left is None else max(0.0, round(left, 1)),
    )


def _failures(acts: _Acts) -> list[Said]:
    return [
        Said(at=each.at, source="failure", what="revert", reason=each.text)
        for each in acts.of("failed_promotion")
    ]


def _last(found: Evidence, acts: _Acts) -> Said | None:
    said = [Said(at=d.at, source="verdict", what=d.next, reason=d.reason) for d in found.verdicts]
    said += [
        Said(at=s.at * SECOND, source="signal", what=s.kind, reason=s.reason, by=s.by)
        for s in found.signals
    ]
    said += [Said(at=m.at, source="foreign", reason=m.text) for m in acts.of("foreign")]
    said += _failures(acts)
    return max(said, key=lambda each: each.at, default=None)


def _deployed(found: Evidence, acts: _Acts) -> list[Deployed]:
    """In the order of time; a side that gets once more what it got last goes on with it."""
    made = []
    doubts = [each.at for each in acts.of("failed_promotion")]
    doubts += [SECOND * each.at for each in found.signals if each.kind == "revert"]
    for side, kinds in DEPLOYS.items():
        begun: list[tuple[int, str, str]] = []
        for moment in acts.moments:
            # A version of this stack did not tell which the old one was.
            revision = moment.text or "its old version"
            if moment.kind in kinds and revision not in (known for _, known, _ in begun[-1:]):
                begun.append((moment.at, revision, moment.kind))
        for number, (at, revision, kind) in enumerate(begun):
            replaced_at = next((later for later, _, _ in begun[number + 1 :]), None)
            # Old tasks may have taken the traffic back while those of the version still came.
            ends = [doubt for doubt in doubts if doubt >= at and kind == "primary"]
            over_at = min(ends, default=replaced_at)
            made.append(
                Deployed(
                    side=side,
                    revision=revision,
                    at=at,
                    steady_at=_steady_at(acts, side, at, over_at),
                    replaced_at=replaced_at,
                )
            )
    return sorted(made, key=lambda each: each.at)


def _steady_at(acts: _Acts, side: SideName, begun: int, over_at: int | None) -> int | None:
    """The primary is steady when weight returns to it, or it was found to carry what it has; unless
    it was in doubt, or another version was asked for, before that."""
    for moment in acts.moments:
        if moment.at <= begun:
            continue
        if over_at is not None and moment.at >= over_at:
            return None
        is_less = moment.kind == "weight" and int(moment.text) < 100
        is_returned = moment.kind == "returning" or is_less
        if moment.kind == "steady" if side == "canary" else is_returned:
            return moment.at
    return None


def _returning(acts: _Acts, weights: list[Weight]) -> Returning | None:
    began = acts.first("returning")
    if began is None:
        return None
    reads = [each for each in weights if each.at >= began]
    rested = [each.at for each in acts.of("rested")]
    return Returning(began_at=began, reads=reads, rested_at=rested[-1] if rested else None)


def _before(release: Release) -> str:
    """What a revert brings back, in the containers that the release changes."""
    ran = release.primary.content
    named = release.images or {}
    found = [spoken(ran[container]) for container in named if container in ran]
    return ", ".join(found) or short_name(release.primary.task_definition)


def _images(release: Release, content: Content) -> list[ImageChange]:
    before = release.primary.content
    wanted = {**(release.images or {}), **content}
    return [
        ImageChange(container=name, before=before.get(name, ""), after=after)
        for name, after in sorted(wanted.items())
        if before.get(name) != after
    ]
