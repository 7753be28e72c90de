"""Log lines: what a batch of CloudWatch Logs says of requests.

Nothing of it is trusted: a batch is unpacked up to a size, a line is read up to a length, and each
that cannot be read is counted as that.
"""

import base64
import hashlib
import json
import re
import zlib
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass

from stepcanary.domain.log_source import GROUP, LogSource
from stepcanary.errors import BatchUnreadable

MOST_BYTES = 64 << 20
"""Of a batch, unpacked. An event of Lambda has a megabyte at most, in base64, and in an outage
lines are the same again and again: those of 400 characters pack 80 to 1, which is this much. What
lines can come to is read in 220 MB, and a function has 512."""
LONGEST_LINE = 1 << 15
LOWEST, BAD, HIGHEST = 200, 500, 599
SWITCHED = 101
"""The one status below that ends an answer, as that to a WebSocket."""
TASK = re.compile(r"(?:^|/)([0-9a-f]{32})\Z")
UNPACK_GZIP = zlib.MAX_WBITS | 16
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""Of a character, or of an escaped backslash before some text, which is looked at more closely."""
HALVES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""What is whole, as a group, or a lone half."""
REPLACEMENT = rb"\ufffd"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A line, and when it was written, in epoch milliseconds. Its id stays the same. There are many
    of them, and this takes less than a model does."""

    id: Annotated[str, Field(max_length=200)]
    timestamp: int
    message: str


class Batch(BaseModel):
    """Lines of one log stream, which `filters` let through. A control message has none: it only
    asks whether the function can be reached. AWS may add keys to it at any time."""

    kind: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"] = Field(alias="messageType")
    owner: str = ""
    group: str = Field(default="", alias="logGroup")
    stream: str = Field(default="", alias="logStream")
    filters: list[str] = Field(default=[], alias="subscriptionFilters")
    events: list[LogEvent] = Field(default=[], alias="logEvents")

    def digest(self, name: str) -> str:
        """Of what this filter let through: the same at each delivery, in whatever order."""
        ids = sorted(event.id for event in self.events)
        whole = "\n".join([name, self.group, self.stream, *ids])
        return hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:32]

    @property
    def task(self) -> str | None:
        """The id of the ECS task that wrote it: the log drivers end the stream's name with it."""
        found = TASK.search(self.stream)
        return found[1] if found else None


def unpacked(data: str) -> Batch:
    """What CloudWatch Logs has sent: base64 of gzip of JSON. Raises `BatchUnreadable`."""
    try:
        packed = base64.b64decode(data, validate=True)
        unpacking = zlib.decompressobj(UNPACK_GZIP)
        content = unpacking.decompress(packed, MOST_BYTES)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise BatchUnreadable(f"it is cut off, or over {MOST_BYTES:,} bytes when unpacked")
        return Batch.model_validate_json(_of_whole_characters(content))
    except (ValueError, zlib.error) as error:
        raise BatchUnreadable(f"{type(error).__name__}: {str(error)[:500]}") from error


def _of_whole_characters(content: bytes) -> bytes:
    """JSON can say half a character, which is no reason to lose the other lines. See `is_text`."""
    if not HALF.search(content):
        return content
    return HALVES.sub(lambda found: found[1] or REPLACEMENT, content)


class Read(NamedTuple):
    """Of some lines: the requests, how many of these had bad answers, and how many lines could not
    be read."""

    requests: int = 0
    bad: int = 0
    unread: int = 0

    def plus(self, other: "Read") -> "Read":
        return Read(*(one + more for one, more in zip(self, other, strict=True)))


def read(line: str, source: LogSource) -> Read:
    """What one line says."""
    status = _status(line, source) if len(line) <= LONGEST_LINE else None
    if status is None:
        return Read(unread=1)
    return Read(requests=1, bad=int(status >= BAD))


def _status(line: str, source: LogSource) -> int | None:
    if source.pattern:
        # Whoever has no pattern does not load what reads them.
        from stepcanary.domain import log_patterns  # noqa: PLC0415

        found: Any = log_patterns.found(source.pattern, line, GROUP)
    else:
        try:
            found = _field(json.loads(line), source.status)
        except (ValueError, RecursionError):
            return None
    return _number(found)


def _number(found: Any) -> int | None:
    if isinstance(found, str) and re.fullmatch(r"[0-9]{3}", found, re.ASCII):
        found = int(found)
    if isinstance(found, float) and found.is_integer():
        # As some write every number of JSON.
        found = int(found)
    is_status = type(found) is int and (LOWEST <= found <= HIGHEST or found == SWITCHED)
    return found if is_status else None


def _field(document: Any, path: str) -> Any:
    """A name with dots of its own comes before an inner one."""
    while isinstance(document, dict):
        if path in document:
            return document[path]
        head, _, path = path.partition(".")
        document = document.get(head)
    return None
