"""Origin: where a version comes from, as its request says; it changes nothing of the release."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from stepcanary.domain.identifiers import Like
from stepcanary.domain.model import Model

MOMENT = "2026-11-25T09:30:00Z"
Commit = Annotated[
    str,
    Field(max_length=100),
    Like(r"[0-9A-Za-z][0-9A-Za-z._/-]*", "4f0c2d1", ", of letters, digits, . _ / and -"),
]
Link = Annotated[
    str,
    Field(max_length=500),
    Like(
        r"https://[0-9A-Za-z.-]+(:\d+)?(/[\w.~!$&()*+,;=:@%/?#-]*)?",
        "https://github.com/acme/shop/pull/7",
    ),
]


def _moment(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"must be a time with its zone, like {MOMENT}")
    return value


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class Origin(Model):
    """The commit, when it was pushed, and a link for people; None where nobody said so."""

    commit: Commit | None = None
    """The commit that the version was built from."""
    pushed_at: Moment | None = None
    """When that was pushed, with its zone: the lead time is counted from then."""
    link: Link | None = None
    """An https link for people, as to the pull request."""

    @property
    def pushed_second(self) -> int | None:
        """Of the epoch."""
        return int(datetime.fromisoformat(self.pushed_at).timestamp()) if self.pushed_at else None
