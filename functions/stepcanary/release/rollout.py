"""Rollout: the acts that bring weight to the canary, each safe to run twice."""

from stepcanary.domain.deployment import Started
from stepcanary.domain.release import Release
from stepcanary.domain.split import Split
from stepcanary.domain.stage import ROLLOUT
from stepcanary.domain.verdict import Progress, Verdict, judge, progress
from stepcanary.errors import NotEnoughCapacity
from stepcanary.release import guards
from stepcanary.release.capacity import missing_capacity, service_of
from stepcanary.release.deploy import deploy_new
from stepcanary.release.routes import shift_all
from stepcanary.store import leases, mailbox, stages


def deploy_canary(release: Release, fence: int) -> Started:
    """The new version to the canary, which serves nothing yet. Raises `RevertRequested`."""
    stages.enter(release, fence, ROLLOUT, unless_reverting=True)
    return deploy_new(release, "canary")


def shift_weight(release: Release, fence: int, weight: int) -> list[Split]:
    """Give the canary this weight, once it can carry it and no revert is pending."""
    lease = stages.enter(release, fence, ROLLOUT, unless_reverting=True, target=weight)
    short = missing_capacity(release, "canary", service_of(release, "canary"))
    if short is not None:
        raise NotEnoughCapacity(f"the canary gets no more weight: {short}")
    return shift_all(release, lease, weight)


def judge_canary(
    release: Release, fence: int, step: int, holds: int, *, approved: bool
) -> Progress:
    """The verdict on the step that has just baked, and what follows it.

    The signal `promote`, or a gate that was passed, stands in for missing data; an alarm that
    fires, or has fired since the release began, reverts all the same. Raises `SplitDrifted`.
    """
    lease = leases.check(release, fence)
    guards.require_unchanged(release, lease)
    promoted = approved or (lease.signal is not None and lease.signal.kind == "promote")
    if lease.reverting:
        verdict = Verdict("revert", str(lease.signal))
    else:
        alarms = guards.alarms(release, lease)
        verdict = judge(release.alarms, alarms, release.holds - holds, promoted=promoted)
    last = step + 1 == len(release.steps)
    wanted = release.steps[step].approval or (last and release.promotion.approval)
    following = progress(verdict, step, holds, last=last, gated=wanted and not promoted)
    if approved and lease.pausing:
        # Its time is over, and what the profile says happens then.
        mailbox.forget_pause(lease)
    elif verdict.decision == "advance" and lease.pausing:
        # It came while nothing waited: the next bake turns into the pause.
        return following.model_copy(update={"next": "bake", "step": step, "holds": holds})
    return following
