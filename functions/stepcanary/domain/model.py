"""Model: the base of every contract: frozen, strict, and unknown keys are refused.

What is written below a field of a contract is its description in the exported JSON Schema. A model
is built when it is first used, for a function loads many that it has no use for, and most of them
only as a part of another; `answers` and `store.documents` build at once what is sure to be used.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Document = dict[str, Any]
"""A JSON object in a shape that is AWS's or a chat's."""


SchemaUri = Annotated[str, Field(alias="$schema", max_length=2_048)]
"""What an editor looks up the JSON Schema of a document by; nothing is fetched here."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
