"""Sweep: the look from outside at every release that holds a split, and at a few splits at rest.

It is the second line behind the state machine: the schedule calls it each minute, and the rule on
dead executions calls it at once for one of them.
"""

from collections.abc import Callable

from stepcanary.access import Access, entered
from stepcanary.aws import stepfunctions
from stepcanary.contracts.answers import Sweep
from stepcanary.domain.account import by_account
from stepcanary.domain.lease import Lease
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    DocumentUnreadable,
    LeaseLost,
    RequestRejected,
)
from stepcanary.observability import about, logger
from stepcanary.release import recovery, retiring
from stepcanary.release.holder import is_alive
from stepcanary.release.looks import look_after, sentence
from stepcanary.release.pace import Pace
from stepcanary.store import leases, ledger, rest, settings
from stepcanary.store.rest import Resting
from stepcanary.traffic.factory import read_of, read_together, router_for
from stepcanary.traffic.router import Reading

EXECUTIONS_PER_SECOND = 5.0
"""Half of what Step Functions gives DescribeExecution in its smaller Regions."""


def sweep() -> Sweep:
    """Bring home every release whose execution is dead, look after the living, and do what is due.

    A split that nobody holds is only looked at: who moved it by hand may want it so.
    """
    recovered: list[str] = []
    stranded: list[str] = []
    living, dead = _told_apart(leases.held())
    for lease in dead:
        with about(lease.holder):
            stranded += _bring_home(lease, recovered)
    # What is known of the others is reported all the same.
    parts: list[tuple[str, Callable[[], list[str]]]] = [
        ("the releases", lambda: look_after(living)),
        ("the splits at rest", look_at_rest),
    ]
    for name, look in parts:
        try:
            stranded += look()
        except Exception as error:
            logger.exception("a look failed", extra={"at": name})
            stranded.append(f"{name} could not be looked at: {error}")
    return Sweep(recovered=recovered, stranded=stranded, left=_work_off())


def _work_off() -> list[str]:
    try:
        return retiring.work_off()
    except Exception as error:
        logger.exception("what is due was not done")
        return [f"what is due could not be done: {error}"]


def bring_home(execution: str) -> Sweep:
    """The release of one execution, which has just ended."""
    recovered: list[str] = []
    try:
        lease = leases.read(ledger.release_of(execution).split)
    except DocumentUnreadable:
        # It never took a split, or another version wrote it: then the schedule's sweep says so.
        return Sweep(recovered=[], stranded=[])
    stranded: list[str] = []
    if lease.holder == execution and (lease.recovering or not is_alive(lease)):
        with about(execution):
            stranded = _bring_home(lease, recovered)
    return Sweep(recovered=recovered, stranded=stranded)


def _told_apart(held: list[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Leases of executions that may still act, and of those that are dead."""
    if not held:
        return [], []
    try:
        running = stepfunctions.running_executions(settings.of_stack().state_machine)
    except (AwsRefused, AwsUnavailable):
        running = frozenset()
    pace = Pace(EXECUTIONS_PER_SECOND)
    living: list[Lease] = []
    dead: list[Lease] = []
    for lease in held:
        alive = not lease.recovering and lease.holder in running
        if not alive and not lease.recovering:
            pace.wait()
            alive = _may_live(lease)
        (living if alive else dead).append(lease)
    return living, dead


def _may_live(lease: Lease) -> bool:
    try:
        return is_alive(lease)
    except (AwsRefused, AwsUnavailable):
        # Not seen is not dead; the next minute brings the next look.
        return True


def _bring_home(lease: Lease, recovered: list[str]) -> list[str]:
    """What keeps the split from its rest, for a person."""
    try:
        release = leases.release_of(lease)
        with entered(release.access):
            if recovery.recover(lease, release) is not None:
                recovered.append(lease.holder)
                return []
            reason = recovery.under_way(lease, release)
    except LeaseLost:
        # It was closed or taken over while we looked.
        return []
    except Exception as error:
        # Whatever one lease's trouble is, the others are helped.
        logger.exception("no help for a lease", extra={"split": lease.split})
        reason = f"{type(error).__name__}: {error}"
    return [sentence(lease, reason)] if reason else []


def look_at_rest() -> list[str]:
    """Which splits somebody has moved since their last release, of a bounded number of looks."""
    looks = rest.next_looks()
    together: dict[str, Reading] = {}
    for some in by_account(looks.looks).values():
        with entered(_access(some[0])):
            together |= read_together([resting.traffic for resting in some])
    moved = list(looks.moved_before)
    for resting in looks.looks:
        try:
            with entered(_access(resting)):
                is_moved = _is_moved(resting, together)
        except AwsUnavailable:
            # Not seen is what it was at the last look; its turn comes again.
            moved += [resting.split] if resting.moved else []
            continue
        except (AwsRefused, RequestRejected):
            # No route of ours any more; the next release of it will say so.
            continue
        if is_moved:
            rest.set_moved(resting)
            moved.append(resting.split)
        else:
            rest.set_rested(resting)
    rest.have_looked(looks)
    return [
        f"{split}, free: no release is running, but the split differs from what the last release"
        " left; find out who changed it"
        for split in moved
    ]


def _access(resting: Resting) -> Access | None:
    """No execution has to do with it."""
    return resting.account.access("sweep") if resting.account else None


def _is_moved(resting: Resting, together: dict[str, Reading]) -> bool:
    lease = leases.read(resting.split)
    if lease.holder:
        return False
    router = router_for(resting.traffic)
    try:
        split = read_of(resting.traffic, together).split
    except AwsRefused as refused:
        if refused.code in router.missing:
            rest.forget(resting)
        raise
    # Somebody may have shifted it by hand, as an action that is in the ledger.
    return not (split.at_rest or split == split.with_weight(lease.left_at))
