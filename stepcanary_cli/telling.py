"""Telling: what has happened in a release so far, as one line each, in the order of time.

A line that was there once stays what it is, so that whoever has printed it need not look back.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stepcanary.domain.durations import duration
from stepcanary.domain.picture import Picture, StepSeen, Wait
from stepcanary.domain.visible import line
from stepcanary_cli.outcomes import Answer

SECOND = 1_000
VERDICTS = {
    "shift": "it goes on",
    "bake": "baked once more",
    "gate": "a person decides",
    "promote": "it is promoted",
    "revert": "reverted",
}
WAITS = {
    "bake": "it bakes",
    "pause": "it is paused",
    "gate": "it waits for a person",
    "failed": "the promotion has failed, and a person decides",
}
"""What is told of a wait; that the router gets its time is not."""


@dataclass(frozen=True, slots=True)
class Told:
    """`at` is in epoch milliseconds; `order` puts in a row what has the same time."""

    at: int
    kind: str
    text: str
    order: int = 0

    def as_json(self) -> Answer:
        return {"at": self.at, "kind": self.kind, "text": self.text}


def told(picture: Picture) -> list[Told]:
    return sorted(_each(picture), key=lambda each: (each.at, each.order))


def _each(picture: Picture) -> Iterator[Told]:
    for deployed in picture.deployed:
        revision = line(deployed.revision)
        yield Told(deployed.at, "deployed", f"the {deployed.side} gets {revision}")
        if deployed.steady_at is not None:
            text = f"the {deployed.side} runs {revision}"
            yield Told(deployed.steady_at, "steady", text, -1)
    for number, read in enumerate(picture.weights):
        before = picture.weights[number - 1].weight if number else 0
        if read.weight != before:
            yield Told(read.at, "weight", f"canary {read.weight} %", 1)
    for step in (*picture.steps, *picture.return_steps):
        yield from _of_step(step)
    yield from _of_waits(picture.waits)
    for signal in picture.signals:
        yield Told(signal.at * SECOND, "signal", line(signal), 2)
    for said in picture.failures:
        yield Told(said.at, "failure", f"the promotion has failed: {line(said.reason)}", 2)
    for said in picture.foreign:
        yield Told(said.at, "foreign", line(said.reason), 3)
    if picture.returning:
        yield Told(picture.returning.began_at, "returning", "the weights return to the primary")
        if (rested_at := picture.returning.rested_at) is not None:
            yield Told(rested_at, "rested", "all weight was read on the primary")


def _of_step(step: StepSeen) -> Iterator[Told]:
    yield from _of_waits(step.waits)
    for verdict in step.verdicts:
        text = f"{VERDICTS[verdict.next]}: {line(verdict.reason)}"
        yield Told(verdict.at, "verdict", text, 3)


def _of_waits(waits: list[Wait]) -> Iterator[Told]:
    for wait in waits:
        if wait.kind in WAITS:
            lasts = duration((wait.until - wait.at) // SECOND)
            yield Told(wait.at, wait.kind, f"{WAITS[wait.kind]}, for {lasts} at most", 4)
