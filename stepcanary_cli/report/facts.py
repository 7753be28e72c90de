"""Facts: what a report is made of, gathered once, so that the same facts give the same report."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from stepcanary.domain.comparison import Row
from stepcanary.domain.picture import Picture
from stepcanary_cli.outcomes import Answer
from stepcanary_cli.rows import Ask, rows_of
from stepcanary_cli.stories import picture_of

SHAPE = 1
"""Of the document; it changes when a key that was there means something else."""
PAST_RELEASES = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """`past` is the release as the history has it, None while it runs; `history` are the releases
    of its service, the newest first, and `summary` says their figures."""

    picture: Picture
    past: Answer | None = None
    rows: list[Row] = field(default_factory=list)
    history: list[Answer] = field(default_factory=list)
    summary: str = ""

    @classmethod
    def gathered(cls, ask: Ask, named: str) -> "Facts":
        """Of an execution, or of the release of a service that runs or was its last. Raises
        `Failure` for what a stack of another version answers."""
        story = ask({"question": "show", "release": named})
        picture = picture_of(story)
        is_opened = story.get("plan") is not None
        history = ask({"question": "history", "service": picture.service})
        if picture.ended_at is not None:
            # What is over looks the same whenever somebody asks.
            picture = picture.model_copy(update={"drawn_at": picture.ended_at})
        return cls(
            picture=picture,
            past=story.get("past"),
            rows=rows_of(ask, picture.execution).rows if is_opened else [],
            history=history["releases"][:PAST_RELEASES],
            summary=history.get("summary", ""),
        )

    @property
    def evidence(self) -> Answer:
        """What the report says of this release follows from it alone."""
        return {
            "picture": self.picture.model_dump(mode="json"),
            "past": self.past,
            "rows": [row.model_dump(mode="json") for row in self.rows],
        }

    @property
    def sha256(self) -> str:
        """Of the evidence as JSON with sorted keys and without spaces."""
        return hashlib.sha256(_canonical(self.evidence).encode()).hexdigest()

    @property
    def document(self) -> Answer:
        return {
            "shape": SHAPE,
            "sha256": self.sha256,
            "evidence": self.evidence,
            "history": self.history,
            "summary": self.summary,
        }


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
