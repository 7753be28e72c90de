"""States: what the state machine sends to each function; `answers` has what it gets back."""

from datetime import datetime
from typing import Any

from pydantic import Field

from stepcanary.domain.deployment import Started
from stepcanary.domain.model import Model
from stepcanary.domain.outcome import Ending, Failure, ReleaseOutcome
from stepcanary.domain.patience import MOST_RETRIES
from stepcanary.domain.release import Release
from stepcanary.domain.signals import TOKENS_PER_WAIT, Kind
from stepcanary.domain.split import SideName


def milliseconds(entered_at: str) -> int:
    """Of the epoch, when a state was entered."""
    return int(datetime.fromisoformat(entered_at).timestamp() * 1_000)


class PlanInput(Model):
    """`waited`: an earlier plan of this execution had to wait for its split. `begins`: it has had
    its turn among those that were started at once. `retries` says how often the definition has
    tried this plan again, `may_be_lost` is the stack's parameter."""

    execution: str
    request: Any = None
    waited: bool
    begins: bool = False
    retries: int = Field(default=0, ge=0)
    may_be_lost: str = ""

    @property
    def last_try(self) -> bool:
        """Whether the definition gives up when AWS has no answer this time either."""
        return self.retries >= MOST_RETRIES


class TakeInput(Model):
    """`may_be_lost` is the stack's parameter."""

    execution: str
    request: Any = None
    may_be_lost: str = ""


class OpenInput(Model):
    release: Release
    request: Any = None


class FencedInput(Model):
    release: Release
    fence: int


class PatientInput(FencedInput):
    """Of an act that is tried again until its deadline: `entered_at` is the ISO time at which its
    state was entered."""

    entered_at: str

    @property
    def since(self) -> int:
        """In epoch seconds."""
        return int(datetime.fromisoformat(self.entered_at).timestamp())


class CheckInput(FencedInput):
    side: SideName
    deployment: Started
    restoring: bool


class ShiftInput(PatientInput):
    """`attempt` of a promotion, where the step is one of its way back to the primary."""

    step: int = Field(ge=0)
    attempt: int | None = Field(default=None, ge=0)


class JudgeInput(PatientInput):
    """`unanswered`: a gate was open before, and nobody answered it in time. `returning`: the step
    is one of the way back to the promoted primary."""

    step: int = Field(ge=0)
    holds: int = Field(ge=0)
    approved: bool = False
    unanswered: bool = False
    returning: bool = False

    @property
    def moment(self) -> int:
        """In epoch milliseconds: whatever wait was named later, this judgement is not about."""
        return milliseconds(self.entered_at)


class WaitInput(FencedInput):
    """`entered_at` is the ISO time at which the waiting state was entered, `retries` how often it
    was tried again since. `paused`: the wait was entered through the signal `pause`."""

    token: str = Field(min_length=1, max_length=2_048)
    entered_at: str
    retries: int = Field(ge=0, lt=TOKENS_PER_WAIT)
    ends_on: list[Kind] = Field(min_length=1)
    paused: bool = False

    @property
    def wait(self) -> int:
        """Names the wait, and rises with each."""
        return milliseconds(self.entered_at)

    @property
    def number(self) -> int:
        """Rises with each wait, and within a wait with each token."""
        return self.wait * TOKENS_PER_WAIT + self.retries


class PromotionInput(PatientInput):
    attempt: int = Field(ge=0)


class ReturnInput(PromotionInput):
    restored: bool


class RestoreInput(FencedInput):
    """`returned`: the primary, which is to get its old version, has the traffic again. `settles`
    counts how often the router was given its time before. `undecided`: nobody answered the gate of
    the failed promotion."""

    attempt: int = Field(ge=0)
    failure: Failure
    returned: bool = False
    settles: int = Field(default=0, ge=0)
    undecided: bool = False


class ConfirmInput(FencedInput):
    """`promoted`: the primary has the new version, so that the alarms still judge it."""

    corrections: int = Field(ge=0)
    promoted: bool


class RetireInput(FencedInput):
    """`promoted` is as in `ConfirmInput`."""

    promoted: bool = False


class CloseInput(FencedInput):
    """`parked` keeps the lease for a person, out of the reach of help from outside."""

    outcome: ReleaseOutcome
    ending: Ending
    parked: bool
