"""Model: the base of every contract: frozen, strict, and unknown keys are refused."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Document = dict[str, Any]
"""A JSON object in a shape that is AWS's or a chat's."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
