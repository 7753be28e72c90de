"""The base of every contract: frozen, strict, and unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
