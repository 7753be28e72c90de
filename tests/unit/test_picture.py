"""The picture as JSON: what one version draws another one reads."""

from stepcanary.domain.drawing import Evidence, draw
from stepcanary.domain.picture import Picture, Waiting
from tests.unit.examples import a_release


def test_a_picture_is_read_as_it_was_drawn() -> None:
    drawn = draw(Evidence(a_release(), now=5_000, started_at=1_000))
    assert Picture.model_validate_json(drawn.model_dump_json()) == drawn


def test_a_person_is_waited_for_at_gates_alone() -> None:
    kinds = [
        kind
        for kind in ("settle", "bake", "pause", "gate", "failed")
        if Waiting(kind=kind, since=0, until=1, wait=1).is_for_a_person
    ]
    assert kinds == ["pause", "gate", "failed"]
