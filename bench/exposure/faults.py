"""Faults: what share of the canary's answers is bad, second by second."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BASE = 0.001
"""The share of bad answers of a version with which nothing is wrong."""
LOAD = 50
"""The weight from which on a fault of the kind `under load` shows."""
LEAK_SECONDS, LEAK = 1_800, 0.5
FLAP_SECONDS = 60
"""A flapping canary fails for so long, and then for as long it does not."""

Kind = Literal["none", "constant", "under load", "leak", "moment", "flapping"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, the share of bad answers that it ends at, and the requests in a second."""

    name: str
    kind: Kind
    share: float = 1.0
    rate: float = 100.0

    def begins(self, runs: int, seconds: float, chance: np.random.Generator) -> Floats:
        """When it does in each run of a release that lasts at most so long with nothing wrong.
        Random moments are one in each of as many equal parts as there are runs, so that as many are
        near the end as is their share. A flapping canary has been at it for a while."""
        if self.kind == "moment":
            moments: Floats = (np.arange(runs) + chance.uniform(0, 1, runs)) * (seconds / runs)
            return moments
        if self.kind == "flapping":
            return -chance.uniform(0, 2 * FLAP_SECONDS, runs)
        return np.zeros(runs)

    def shares(self, at: float, weights: Floats, begun: Floats) -> Floats:
        """What it adds to each run at this second of the release."""
        since = at - begun
        match self.kind:
            case "none":
                active = np.zeros(len(begun))
            case "under load":
                active = np.where(weights >= LOAD, 1.0, 0.0)
            case "leak":
                active = np.clip(since / LEAK_SECONDS, 0.0, 1.0)
            case "flapping":
                active = np.where(since % (2 * FLAP_SECONDS) < FLAP_SECONDS, 1.0, 0.0)
            case _:
                active = np.where(since >= 0, 1.0, 0.0)
        return active * self.share


GOOD = Fault("good", "none", 0.0)
FAULTS = (
    Fault("a outage", "constant"),
    Fault("b partial failure", "constant", 0.2),
    Fault("c failure under load", "under load"),
    Fault("d slow leak", "leak", LEAK),
    Fault("e random moment", "moment"),
    Fault("f outage at 2 requests/s", "constant", rate=2.0),
    Fault("g flapping", "flapping"),
)
