"""Signals: which of them a release has a use for at which stage."""

from itertools import product
from typing import get_args

import pytest

from stepcanary.domain.signals import DURABLE, Kind, Signal, why_refused
from stepcanary.domain.stage import OPENING, RETURNING, ROLLOUT, Stage, promoting, restoring

KINDS: tuple[Kind, ...] = get_args(Kind)
BEFORE = [OPENING, ROLLOUT]
PROMOTIONS = [stage for attempt in (0, 1, 7) for stage in (promoting(attempt), restoring(attempt))]
STAGES = [*BEFORE, *PROMOTIONS, RETURNING]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.phase}-{stage.attempt}")
@pytest.mark.parametrize("kind", KINDS)
def test_a_stage_has_a_use_for(kind: Kind, stage: Stage) -> None:
    if kind == "revert":
        useful = stage != RETURNING
    elif kind == "retry":
        useful = stage.phase == "restoring"
    else:
        useful = stage in BEFORE
    assert (why_refused(kind, stage) is None) is useful


def test_what_is_refused_is_said_in_words() -> None:
    refusals = [why_refused(kind, stage) for kind, stage in product(KINDS, STAGES)]
    assert all(refused is None or len(refused) > 10 for refused in refusals)


def test_what_is_about_the_wait_that_is_now_is_not_kept() -> None:
    assert {kind for kind in KINDS if kind not in DURABLE} == {"skip", "resume"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Signal(kind="promote", request_id="r1", reason="again", by="joe", at=9), True),
        (Signal(kind="promote", request_id="r2", reason="go", by="jane", at=5), False),
        (Signal(kind="promote", reason="go", by="jane", at=5), False),
        (Signal(kind="revert", request_id="r1", reason="go", by="jane", at=5), False),
    ],
    ids=["the request again", "another request", "no request", "another kind"],
)
def test_a_signal_is_known_by_its_kind_and_request(other: Signal, same: bool) -> None:
    signal = Signal(kind="promote", request_id="r1", reason="go", by="jane", at=5)
    assert (other.key == signal.key) is same


@pytest.mark.parametrize(
    ("signal", "written"),
    [
        (Signal(kind="revert", by="jane", reason="old prices"), "revert by jane: old prices"),
        (Signal(kind="revert", by="jane"), "revert by jane"),
        (Signal(kind="revert", reason="old prices"), "revert by somebody: old prices"),
    ],
    ids=["all of it", "no reason", "nobody named"],
)
def test_a_signal_reads_as_who_wants_what_and_why(signal: Signal, written: str) -> None:
    assert str(signal) == written
