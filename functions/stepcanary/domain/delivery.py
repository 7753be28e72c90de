"""Delivery: how a service's releases go, in the figures that DORA has made known.

See https://dora.dev/guides/dora-metrics-four-keys/
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from stepcanary.domain.durations import duration
from stepcanary.domain.model import Model
from stepcanary.domain.outcome import Outcome

FAILED: frozenset[Outcome] = frozenset({"Reverted", "PromotionFailed", "RevertFailed"})
"""A release that reached users and had to be taken back, or could not be."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A release as these figures need it; times are in epoch seconds. `restored_seconds` passed
    from a doubt until the primary had all traffic again."""

    service: str
    outcome: Outcome
    started_at: int
    ended_at: int
    pushed_at: int | None = None
    is_rollback: bool = False
    restored_seconds: int | None = None

    @property
    def lead_seconds(self) -> int | None:
        """From the push of the commit until the release ended Released."""
        return lead_seconds(self.pushed_at, self.started_at, self.ended_at)


class Delivery(Model):
    """`changes` are releases that were opened and are over, without rollbacks and manual shifts;
    `failed` of them were taken back, or were released and rolled back later. Seconds are medians,
    and None where nothing is known of one."""

    since: int | None = None
    """When the first of them began, in epoch seconds."""
    changes: int = 0
    failed: int = 0
    change_failure_rate: float | None = None
    lead_seconds: int | None = None
    """From the push of the commit until its release ended Released."""
    led: int = 0
    """How many said when they were pushed."""
    restore_seconds: int | None = None
    """From a doubt until the old version had all traffic again; of a version that was released,
    from the start of its rollback until its end."""
    restored: int = 0
    """Of how many this is known."""


def lead_seconds(pushed_at: int | None, started_at: int, ended_at: int) -> int | None:
    """None where nobody said when the push was, or it was after the start: the clock of whoever
    pushed may be ahead, and nothing is learnt from that."""
    if pushed_at is None or pushed_at > started_at:
        return None
    return ended_at - pushed_at


def figures(releases: Sequence[Delivered]) -> Delivery:
    """Of these releases, of one service or of several, the newest first."""
    changes: list[Delivered] = []
    failed, restored = 0, list[int]()
    # By service, the rollbacks from the releases to come that were Released: the last one first.
    fled: defaultdict[str, list[Delivered]] = defaultdict(list)
    for release in releases:
        if release.is_rollback:
            # It flees from the release before it of its service that was Released, and one before
            # a rollback from the release before that.
            if release.outcome == "Released":
                fled[release.service].append(release)
            continue
        if release.outcome in FAILED:
            changes.append(release)
            failed += 1
            if release.restored_seconds is not None:
                restored.append(release.restored_seconds)
        elif release.outcome == "Released":
            changes.append(release)
            if fled[release.service]:
                rollback = fled[release.service].pop()
                failed += 1
                restored.append(rollback.ended_at - rollback.started_at)
    leads = [
        seconds
        for each in changes
        if each.outcome == "Released" and (seconds := each.lead_seconds) is not None
    ]
    return Delivery(
        since=min((each.started_at for each in changes), default=None),
        changes=len(changes),
        failed=failed,
        change_failure_rate=failed / len(changes) if changes else None,
        lead_seconds=round(median(leads)) if leads else None,
        led=len(leads),
        restore_seconds=round(median(restored)) if restored else None,
        restored=len(restored),
    )


def summary(found: Delivery) -> str:
    """In a line; empty where there is nothing to tell."""
    if not found.changes or found.change_failure_rate is None:
        return ""
    parts = [
        f"{_several(found.changes, 'change')}, {found.failed} failed"
        f" ({100 * found.change_failure_rate:.0f} %)"
    ]
    if found.lead_seconds is not None:
        parts.append(f"lead time {duration(found.lead_seconds)} (median of {found.led})")
    if found.restore_seconds is not None:
        parts.append(
            f"time to restore {duration(found.restore_seconds)} (median of {found.restored})"
        )
    return "; ".join(parts)


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
