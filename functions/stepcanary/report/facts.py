"""Facts: what a report is made of, gathered once, so that the same facts give the same report."""

import hashlib
import json
from dataclasses import dataclass, field

from stepcanary.domain.comparison import Row
from stepcanary.domain.model import Document
from stepcanary.domain.picture import Picture
from stepcanary.report.rows import Ask, rows_of
from stepcanary.report.written import read

SHAPE = 1
"""Of the document; it changes when a key that was there means something else."""
PAST_RELEASES = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """`past` is the release as the history has it, None while it runs; `judging` is what its plan
    says of the judge, `history` are the releases of its service, the newest first, and `summary`
    says their figures. `written` is the evidence of a report that was written earlier, as it stands
    there: another version has other keys, and its hash is of these."""

    picture: Picture
    past: Document | None = None
    rows: list[Row] = field(default_factory=list)
    history: list[Document] = field(default_factory=list)
    summary: str = ""
    judging: Document | None = None
    written: Document | None = None

    @classmethod
    def gathered(cls, ask: Ask, named: str) -> "Facts":
        """Of an execution, or of the release of a service that runs or was its last. Raises
        pydantic's `ValidationError` for what a stack of another version answers."""
        story = ask({"question": "show", "release": named})
        picture = Picture.model_validate(story.get("picture"), extra="ignore", strict=False)
        plan = story.get("plan")
        history = ask({"question": "history", "service": picture.service})
        if picture.ended_at is not None:
            # What is over looks the same whenever somebody asks.
            picture = picture.model_copy(update={"drawn_at": picture.ended_at})
        return cls(
            picture=picture,
            past=story.get("past"),
            rows=rows_of(ask, picture.execution).rows if plan is not None else [],
            judging=(plan or {}).get("judge"),
            history=history["releases"][:PAST_RELEASES],
            summary=history.get("summary", ""),
        )

    @classmethod
    def of(cls, document: Document) -> "Facts":
        """Those that a report was made of. Raises `ValueError`, of which pydantic's is one, for
        what is no document of a report."""
        report = read(document)
        found = document["evidence"]
        return cls(
            picture=report.evidence.picture,
            past=found["past"],
            rows=report.evidence.rows,
            judging=report.evidence.judging,
            history=document.get("history", []),
            summary=report.summary,
            written=found,
        )

    @property
    def evidence(self) -> Document:
        """What the report says of this release follows from it alone."""
        if self.written is not None:
            return self.written
        return {
            "picture": self.picture.model_dump(mode="json"),
            "past": self.past,
            "rows": [row.model_dump(mode="json") for row in self.rows],
            "judging": self.judging,
        }

    @property
    def sha256(self) -> str:
        return digest(self.evidence)

    @property
    def document(self) -> Document:
        return {
            "shape": SHAPE,
            "sha256": self.sha256,
            "evidence": self.evidence,
            "history": self.history,
            "summary": self.summary,
        }


def digest(evidence: Document) -> str:
    """SHA-256 of the evidence as JSON with sorted keys and without spaces."""
    canonical = json.dumps(evidence, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
