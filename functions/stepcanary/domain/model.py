"""Model: the base of every contract: frozen, strict, and unknown keys are refused.

What is written below a field of a contract is its description in the exported JSON Schema.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Document = dict[str, Any]
"""A JSON object in a shape that is AWS's or a chat's."""


SchemaUri = Annotated[str, Field(alias="$schema", max_length=2_048)]
"""What an editor looks up the JSON Schema of a document by; nothing is fetched here."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
