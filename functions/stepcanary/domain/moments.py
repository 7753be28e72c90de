"""Moments: what a release has done and when, each a short text that comes with a write which is
made anyway.

They are kept in the lease while the release runs, and in the ledger when it is over. What else
happened, a signal or a verdict, is an event of the ledger.
"""

from collections.abc import Collection, Iterable
from typing import Literal, get_args

from stepcanary.domain.model import Model

Act = Literal[
    "canary",
    "steady",
    "weight",
    "primary",
    "old",
    "returning",
    "rested",
    "foreign",
]
"""The canary's deployment, and that it was steady; a weight that was read back; the primary's new
version, and its old one; that the weights return, and that they were read at rest; what somebody
else wrote."""

WaitKind = Literal["settle", "bake", "pause", "gate", "failed"]
"""What a release waits for: the router, a bake, or a person: in a pause, at a gate, or after a
promotion that has failed."""

KINDS = frozenset((*get_args(Act), *get_args(WaitKind)))
LONGEST_TEXT = 300


class Moment(Model):
    """`at` is in epoch milliseconds."""

    at: int
    kind: Act | WaitKind
    text: str = ""

    def __str__(self) -> str:
        return f"{self.at} {self.kind} {self.text[:LONGEST_TEXT]}".rstrip()


def read(kept: Iterable[str]) -> list[Moment]:
    """In the order of time; without what only another version of this stack knows."""
    found = []
    for text in kept:
        at, _, rest = text.partition(" ")
        kind, _, said = rest.partition(" ")
        if at.isdigit() and kind in KINDS:
            found.append(Moment.model_validate({"at": int(at), "kind": kind, "text": said}))
    return sorted(found, key=lambda moment: moment.at)


def wait_kind(ends_on: Collection[str], *, paused: bool) -> WaitKind:
    """By the signals that a wait ends on."""
    if "retry" in ends_on:
        return "failed"
    if "resume" in ends_on:
        return "pause" if paused else "gate"
    return "bake" if "skip" in ends_on else "settle"
