"""Watch: the comparison of both sides while releases bake, and while the primary is replaced, from
outside the state machine.

It writes no route: a release that it doubts is signalled, as by the sweep.
"""

import random
from contextlib import suppress

from stepcanary import clock
from stepcanary.contracts.answers import Watched
from stepcanary.domain.account import by_account
from stepcanary.domain.comparison import Compared, doubt, judge_of
from stepcanary.domain.lease import Lease
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import ROLLOUT, promoting
from stepcanary.errors import AwsUnavailable, DocumentUnreadable, SignalRefused
from stepcanary.observability import logger
from stepcanary.release import comparing, signalling, toll_counting
from stepcanary.store import leases

YOUNG_SECONDS = 300
"""So long after its weight has settled a release is looked at more often."""
BETWEEN_SECONDS = (10.0, 15.0)
WATCH_SECONDS = 45.0
"""How long one watch goes on: the next one begins a minute after it did."""

Waiting = tuple[Lease, Release]


def watch() -> Watched:
    """Look at every release that bakes or has its primary replaced, and again and again at those
    that cannot wait a minute. After that, count the tolls of those that are over."""
    ends_at = clock.now().timestamp() + WATCH_SECONDS
    looks, signalled, unseen = 0, set[str](), set[str]()
    waiting = _waiting()
    while waiting:
        looks += 1
        for some in by_account_of(waiting):
            try:
                signalled |= set(_signal(some, comparing.look_at(some)))
            except Exception:
                # Not seen is not bad: the bake's own verdict asks again, and has a deadline.
                logger.exception("releases could not be compared")
                unseen |= {release.execution for _, release in some}
        pause = random.uniform(*BETWEEN_SECONDS)  # noqa: S311 - jitter
        if clock.now().timestamp() + pause > ends_at:
            break
        clock.sleep(pause)
        waiting = [each for each in _waiting() if _is_urgent(*each)]
    toll_counting.work_off()
    return Watched(looks=looks, signalled=sorted(signalled), unseen=sorted(unseen - signalled))


def by_account_of(waiting: list[Waiting]) -> list[list[Waiting]]:
    """What one account refuses is not seen of its releases, and of all others all the same."""
    leased = {release.execution: lease for lease, release in waiting}
    together = by_account(release for _, release in waiting).values()
    return [[(leased[each.execution], each) for each in some] for some in together]


def _waiting() -> list[Waiting]:
    found = []
    for lease in leases.held():
        if lease.stage not in (ROLLOUT, promoting(0)) or lease.reverting or not lease.weight:
            continue
        with suppress(DocumentUnreadable):
            release = leases.release_of(lease)
            if comparing.is_compared(lease, release):
                found.append((lease, release))
    return found


def _is_urgent(lease: Lease, release: Release) -> bool:
    """Whether a minute is long: its weight is young, its primary is replaced, or it has counts
    sooner than each minute."""
    is_young = clock.epoch_seconds() - lease.wait // 1_000 < YOUNG_SECONDS
    judging = release.judge
    is_short = judging is not None and min(judging.periods, default=MINUTE) < MINUTE
    return is_young or is_short or lease.stage != ROLLOUT


def _signal(waiting: list[Waiting], compared: dict[str, Compared]) -> list[str]:
    """Signal those that are in doubt; their executions."""
    signalled = []
    for lease, release in waiting:
        if release.judge is None:
            continue
        judge = judge_of(release.judge, len(release.steps))
        reason = doubt(release.judge, judge, compared[release.execution])
        if reason is None:
            continue
        now = clock.epoch_seconds()
        signal = Signal(kind="revert", reason=reason[:1_000], by="the judge", at=now)
        with suppress(SignalRefused, AwsUnavailable):
            signalling.doubt(lease, signal, release.service)
            signalled.append(release.execution)
    return signalled
