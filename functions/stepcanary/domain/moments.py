"""Moments: what a release has done and when, each a short text that comes with a write which is
made anyway.

They are kept in the lease while the release runs, and in the ledger when it is over. What else
happened, a signal or a verdict, is an event of the ledger.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
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
    "failed_promotion",
]
"""The canary's deployment, and that it was steady; a weight that was read back; the primary's new
version, and its old one; that the weights return, and that they were read at rest; what somebody
else wrote; why a promotion has failed."""

WaitKind = Literal["settle", "bake", "pause", "gate", "failed"]
"""What a release waits for: the router, a bake, or a person: in a pause, at a gate, or after a
promotion that has failed."""

LeftOut = Literal["left_out"]
"""In place of so many moments as its text says."""

KINDS = frozenset((*get_args(Act), *get_args(WaitKind), *get_args(LeftOut)))
REPLACES = ("primary", "old")
"""The kinds of what replaces the primary's tasks."""
ALL, NONE = "100", "0"
LONGEST_TEXT = 300
MOST = 240
"""An item of DynamoDB takes 400 KB, and each write of a lease is paid for by its size."""
FIRST = LAST = 100
"""So many from the beginning and from the end stay when there are more."""


class Moment(Model):
    """`at` is in epoch milliseconds."""

    at: int
    kind: Act | WaitKind | LeftOut
    text: str = ""

    def __str__(self) -> str:
        return f"{self.at} {self.kind} {self.text[:LONGEST_TEXT]}".rstrip()


def read(kept: Iterable[str]) -> list[Moment]:
    """In the order of time; without what only another version of this stack knows."""
    found = []
    for text in kept:
        at, _, rest = text.partition(" ")
        kind, _, words = rest.partition(" ")
        if at.isdigit() and kind in KINDS:
            found.append(Moment.model_validate({"at": int(at), "kind": kind, "text": words}))
    return sorted(found, key=lambda moment: moment.at)


@dataclass(frozen=True, slots=True)
class Shortening:
    """One text in place of those from one place on, before another."""

    start: int
    end: int
    text: str


def shortening(kept: Sequence[str]) -> Shortening | None:
    """How too many become few enough; None where they are not too many."""
    if len(kept) <= MOST:
        return None
    start, end = FIRST, len(kept) - LAST
    gone = read(kept[start:end])
    count = sum(int(each.text) if each.kind == "left_out" else 1 for each in gone)
    moment = Moment(at=gone[0].at if gone else 0, kind="left_out", text=str(count))
    return Shortening(start, end, str(moment))


def left_out(moments: Iterable[Moment]) -> int:
    """How many are not there any more."""
    return sum(int(moment.text) for moment in moments if moment.kind == "left_out")


def served_by_primary(done: Iterable[Moment]) -> list[tuple[int, int | None]]:
    """From when until when the primary has had weight with the version that it got last, in epoch
    milliseconds; the last time may not be over. Once its old one was asked for none begins any
    more, and what is open stays so: its new tasks answer until they are replaced."""
    spans: list[tuple[int, int | None]] = []
    is_new = False
    for moment in done:
        is_open = bool(spans) and spans[-1][1] is None
        if moment.kind == "primary":
            is_new, spans = True, []
        elif moment.kind == "old":
            is_new = False
        elif moment.kind != "weight":
            continue
        elif moment.text == ALL and is_open:
            # Lent to the canary, or held there while a failed promotion is looked at.
            spans[-1] = spans[-1][0], moment.at
        elif moment.text != ALL and is_new and not is_open:
            spans.append((moment.at, None))
    return spans


def left_canary_at(done: Iterable[Moment]) -> int | None:
    """When the canary had no weight any more, in epoch milliseconds; None while it has some, and
    before it had any."""
    weights = [each for each in done if each.kind == "weight"]
    had = [n for n, each in enumerate(weights) if each.text != NONE]
    after = weights[had[-1] + 1 :] if had else []
    return after[0].at if after else None


def restored_at(done: Iterable[Moment], doubted_at: int) -> int | None:
    """When the old version had all traffic again after a doubt, both in epoch milliseconds. Where
    the primary had it already, with the new version, it is once the old one was steady there."""
    later = [each for each in done if each.at >= doubted_at]
    whole = next((each.at for each in later if each.kind == "weight" and each.text == NONE), None)
    asked = next((each.at for each in later if each.kind == "old"), None)
    if whole is not None or asked is None:
        return whole
    return next((each.at for each in later if each.kind == "returning" and each.at > asked), None)


def whole_until(done: Iterable[Moment]) -> int | None:
    """Until when the canary had all weight, in epoch milliseconds, of a release that has replaced
    its primary once, after a step of 100 %; None of any other one, and before that."""
    acts = [each for each in done if each.kind in ("weight", *REPLACES)]
    begun = [n for n, each in enumerate(acts) if each.kind in REPLACES]
    is_simple = len(begun) == 1 and begun[0] > 0 and acts[begun[0] - 1].text == ALL
    spans = served_by_primary(acts) if is_simple else []
    return spans[0][0] if spans else None


def is_resumed(done: Sequence[Moment]) -> bool:
    """Whether the last is a bake that follows upon a pause: nothing but a resume leads from the one
    to the other."""
    return [each.kind for each in done[-2:]] == ["pause", "bake"]


def wait_kind(ends_on: Collection[str], *, paused: bool) -> WaitKind:
    """By the signals that a wait ends on."""
    if "retry" in ends_on:
        return "failed"
    if "resume" in ends_on:
        return "pause" if paused else "gate"
    return "bake" if "skip" in ends_on else "settle"
