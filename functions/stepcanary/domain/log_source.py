"""Log source: the log group that has the canary's requests, and where a line has its status."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from stepcanary.domain.identifiers import Like
from stepcanary.domain.model import Model

GROUP = "status"
"""The named group of a pattern."""


class LogSource(Model):
    """A log group of CloudWatch Logs with a line for each request, and where its status is: in a
    field of JSON, or in the group `status` of a pattern."""

    group: Annotated[
        str,
        Field(max_length=512),
        Like(r"[A-Za-z0-9._/#-]+", "/ecs/checkout", ", the name of the log group without its ARN"),
    ]
    """The name of the log group."""
    filter: Annotated[str, Field(max_length=1_024)] = ""
    """A filter pattern of CloudWatch Logs that only lines of requests match; left out, all do."""
    status: Annotated[
        str,
        Field(max_length=300),
        Like(
            r"([^.${\[][^.\[]*(\.[^.\[]+)*)?",
            "http.status",
            ", a field of JSON without $ or { before it, and not one of a list",
        ),
    ] = ""
    """Of lines of JSON: the field with the status, with a dot before the name of an inner one."""
    pattern: str = Field(default="", max_length=1_000)
    """Of other lines: a regular expression of RE2 whose group `status` is the status."""
    all: bool = False
    """Whether every line is of the canary. Left out, lines are told apart by the task's id, with
    which the name of their log stream ends."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if bool(self.status) == bool(self.pattern):
            raise ValueError("log needs either status, for lines of JSON, or pattern")
        if self.pattern:
            # Whoever has no pattern does not load what reads them.
            from stepcanary.domain import log_patterns  # noqa: PLC0415

            try:
                groups = log_patterns.groups(self.pattern)
            except ValueError as error:
                raise ValueError(
                    f"pattern is no regular expression that RE2 takes; mend it: {error}"
                ) from error
            if groups != [GROUP]:
                raise ValueError("pattern needs one group, of the name status: (?P<status>[0-9]+)")
        return self
