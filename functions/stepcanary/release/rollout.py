"""Rollout: the acts that bring weight to the canary, each safe to run twice."""

from stepcanary import clock
from stepcanary.domain.comparison import Bake
from stepcanary.domain.deployment import Started
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_sentence
from stepcanary.domain.split import Split
from stepcanary.domain.stage import ROLLOUT
from stepcanary.domain.verdict import Alarm, Progress, Verdict, judge, progress
from stepcanary.errors import ForeignDeployment
from stepcanary.release import (
    comparing,
    deploy,
    floors,
    guards,
    resting,
    subscriptions,
    telling,
    way_back,
    world,
)
from stepcanary.release.routes import shift_all
from stepcanary.release.verdict_notes import note_verdict
from stepcanary.store import batches, leases, mailbox, stages


def deploy_canary(release: Release, fence: int) -> Started:
    """The new version to the canary, which serves nothing yet, once there is a way back.

    Raises `RevertRequested` and `ForeignDeployment`.
    """
    stages.enter(release, fence, ROLLOUT, unless_reverting=True)
    lease = leases.check(release, fence)
    sides = world.see(release)
    world.require_own(release, lease, sides)
    canary = sides.canary
    found = canary.task_definition
    if found and not lease.canary_revision and found != release.canary.task_definition:
        raise ForeignDeployment(foreign_sentence("canary", canary))
    lease = way_back.prepare(release, lease)
    arn = deploy.canary_revision(release, canary)
    lease = stages.note_canary(lease, arn)
    sized = world.as_large_as_primary(release, sides)
    tasks = max(release.canary.at_rest, sized.sizing.tasks(release.steps[0].weight))
    resting.put_up(release)
    subscriptions.put_up(release, fence)
    lease = floors.put_up(release, lease, sides, canary=tasks)
    # What it ran at rest may be the same revision, with what its tags meant then.
    was_there = canary.current is not None and canary.current["id"] == release.canary.deployment
    anew = was_there and not lease.content
    return deploy.start(release, "canary", canary, arn, tasks=tasks, anew=anew)


def shift_weight(release: Release, fence: int, weight: int, since: int) -> list[Split]:
    """Give the canary this weight, once it can carry it and no revert is pending.

    `since`, in epoch seconds, is when the shift was first tried. Raises `NotEnoughCapacity` until
    the deployment's deadline, and then `DeploymentOverdue`.
    """
    lease = stages.enter(release, fence, ROLLOUT, unless_reverting=True, target=weight)
    sides = world.see(release)
    foreign = world.require_own(release, lease, sides)
    world.require_canary(release, lease, sides)
    lease = floors.keep_count(release, lease, sides.primary)
    sized = world.as_large_as_primary(release, sides)
    floors.grow(release, sides.canary, sized.sizing.tasks(weight))
    carried = world.measure(sized, "canary", sides.canary, weight, targets=True)
    short = carried.lacks(sized.sizing.before_shift(weight), weight)
    if why := foreign or short:
        world.hold(release, since, f"the canary gets no more weight: {why}")
    listen(release, fence, weight)
    shifted = shift_all(release, lease, weight)
    # The next step's tasks start while this one bakes, so that it need not wait for them.
    floors.grow(release, sides.canary, sized.sizing.tasks(release.coming_weight(weight)))
    return shifted


def listen(release: Release, fence: int, weight: int) -> None:
    """Before the canary gets this weight: what its log counts from now on is of this step."""
    if release.judge is None or not release.judge.logged:
        return
    subscriptions.mend(release, fence)
    moment = int(clock.now().timestamp() * 1_000)
    batches.begin_step(release.execution, release.step_of(weight), moment)


def judge_canary(
    release: Release,
    fence: int,
    step: int,
    holds: int,
    moment: int,
    *,
    approved: bool,
    unanswered: bool,
) -> Progress:
    """The verdict on the step that has just baked, and what follows it.

    The signal `promote`, or a gate that was passed, stands in for missing data, and for evidence
    that the canary is good; an alarm that fires, or has fired since the release began, reverts all
    the same, and so does evidence that it is worse. A gate that is `unanswered`
    has passed or reverts as the profile says, unless it was promoted before that is written down:
    from then on whoever promotes is refused. `moment` is when this began, in epoch milliseconds.
    Raises `SplitDrifted`, `ForeignDeployment` and `CanaryShort`.
    """
    lease = leases.check(release, fence)
    alarms: list[Alarm] = []
    promote = lease.signal is not None and lease.signal.kind == "promote"
    approved = approved or (unanswered and (promote or release.promotion.on_timeout == "promote"))
    promoted = approved or promote
    if lease.reverting:
        verdict = Verdict("revert", str(lease.signal))
    elif unanswered and not promoted:
        whom = "resumed the release" if lease.pausing else "answered the gate"
        verdict = Verdict("revert", f"nobody {whom} in time")
    else:
        sides = world.see(release)
        world.require_own(release, lease, sides)
        world.require_canary(release, lease, sides)
        alarms = guards.alarms(release, lease)
        verdict = judge(release.alarms, alarms, release.holds - holds, promoted=promoted)
        if release.judge is not None and verdict.decision == "advance":
            weight, last = release.steps[step].weight, step + 1 == len(release.steps)
            bake = Bake(step, weight, release.holds - holds, last=last)
            verdict = comparing.verdict(release, lease, bake, promoted=promoted)
            verdict = subscriptions.verdict(release, fence, bake, verdict, promoted=promoted)
    if verdict.decision == "revert" and not lease.reverting:
        last_word = frozenset[str]() if promoted else frozenset({"promote"})
        if mailbox.decide_way_back(lease, mailbox.is_before(moment), unless=last_word):
            return judge_canary(
                release, fence, step, holds, moment, approved=approved, unanswered=unanswered
            )
        telling.is_doubted(release.service)
    last = step + 1 == len(release.steps)
    wanted = release.steps[step].approval or (last and release.promotion.approval)
    gated = (wanted or verdict.gated) and not promoted
    following = progress(verdict, step, holds, last=last, gated=gated)
    if following.next in ("bake", "gate"):
        # A shift and a promotion look for themselves, right now.
        guards.require_unchanged(release, lease)
        world.require_canary(release, lease, world.see(release), targets=True)
    if approved and lease.pausing:
        # Its time is over, and what the profile says happens then.
        mailbox.forget_pause(lease)
    elif verdict.decision == "advance" and lease.pausing:
        # It came while nothing waited: the next bake turns into the pause.
        following = following.model_copy(update={"next": "bake", "step": step, "holds": holds})
    note_verdict(release, moment, following, step=step, holds=holds, alarms=alarms)
    return following
