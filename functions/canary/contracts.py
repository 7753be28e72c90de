"""Contracts: what the state machine sends to each function."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from canary.model import Model
from canary.release import Release
from canary.rollout import Started
from canary.traffic import SideName


class PlanInput(Model):
    execution: str
    request: Any = None


class ReleaseInput(Model):
    release: Release


class CheckInput(Model):
    release: Release
    side: SideName
    deployment: Started


class StepInput(Model):
    release: Release
    fence: int
    step: int = Field(ge=0)


class FencedInput(Model):
    release: Release
    fence: int


class JudgeInput(Model):
    release: Release
    step: int = Field(ge=0)
    holds: int = Field(ge=0)


class StepFailure(BaseModel):
    """Step Functions' error output; its keys are AWS's, and Cause may be left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    error: str = Field(default="", alias="Error")
    cause: str = Field(default="", alias="Cause")


class RevertInput(Model):
    release: Release
    fence: int
    failure: StepFailure


class CloseInput(Model):
    release: Release
    outcome: Literal["Released", "Reverted", "PromotionFailed", "RevertFailed"]
    failure: StepFailure
