"""Leases: which signal the release has a use for, in this wait or in any."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain import signals
from stepcanary.domain.lease import Lease
from stepcanary.domain.signals import MOST_OF_KIND, MOST_SIGNALS, WAIT_IS_OVER, Kind, Signal
from stepcanary.domain.stage import OPENING, RETURNING, ROLLOUT, Stage, promoting, restoring
from tests.unit.test_signals import KINDS

BAKE = frozenset({"promote", "revert", "skip", "pause"})
KIND = st.sampled_from(KINDS)
STAGE = st.sampled_from([OPENING, ROLLOUT, promoting(0), restoring(1), RETURNING])


def a_lease(**changed: Any) -> Lease:
    """Of a release that bakes: it waits for the third time."""
    whole = {"stage": ROLLOUT, "token": "t", "wait": 3, "ends_on": BAKE, **changed}
    return Lease("split", holder="execution", **whole)


@pytest.mark.parametrize(
    ("kinds", "was_promoted"),
    [([], False), (["revert", "pause"], False), (["promote"], True), (["promote", "retry"], True)],
)
def test_a_promote_is_remembered_after_it_was_obeyed(kinds: list[Kind], was_promoted: bool) -> None:
    keys = frozenset(Signal(kind=kind, request_id="promote 1").key for kind in kinds)
    assert a_lease(keys=keys).was_promoted is was_promoted


@pytest.mark.parametrize(
    ("changed", "decision"),
    [
        ({"decided": 3, "decided_kind": "skip"}, "skip"),
        ({"decided": 3, "decided_kind": "resume"}, "resume"),
        ({"decided": 2, "decided_kind": "skip"}, ""),
        ({"decided": 3, "decided_kind": "promote"}, ""),
        ({"decided": 3, "decided_kind": "revert"}, ""),
        ({}, ""),
        ({"wait": 0}, ""),
    ],
    ids=[
        "skipped",
        "resumed",
        "an earlier wait",
        "a durable signal is kept elsewhere",
        "a revert is as well",
        "undecided",
        "before any wait",
    ],
)
def test_a_transient_signal_has_decided_only_the_wait_it_was_about(
    changed: dict[str, Any], decision: str
) -> None:
    assert a_lease(**changed).transient_decision == decision


@pytest.mark.parametrize(
    ("changed", "kind", "waits"),
    [
        ({}, "promote", True),
        ({}, "resume", False),
        ({"ends_on": None}, "resume", True),
        ({"ends_on": frozenset()}, "promote", False),
        ({"token": ""}, "promote", False),
        ({"token": "", "ends_on": None}, "promote", False),
    ],
    ids=[
        "ends on it",
        "ends on others",
        "does not say what it ends on",
        "ends on nothing",
        "is over",
        "is over and never said",
    ],
)
def test_a_wait_ends_on_what_it_says(changed: dict[str, Any], kind: str, waits: bool) -> None:
    assert a_lease(**changed).waits_for(kind) is waits


@pytest.mark.parametrize(
    ("changed", "offers"),
    [
        ({}, ["pause", "promote", "revert", "skip"]),
        ({"stage": RETURNING}, []),
        ({"stage": promoting(0)}, ["revert"]),
        ({"token": ""}, []),
        ({"ends_on": None}, []),
    ],
    ids=["bakes", "is on its way back", "is promoted", "is over", "never said"],
)
def test_a_wait_offers_what_is_not_refused(changed: dict[str, Any], offers: list[str]) -> None:
    assert a_lease(**changed).offers == offers


def test_a_signal_is_accepted_once_for_each_request() -> None:
    lease = a_lease(keys=frozenset({Signal(kind="promote", request_id="r1").key}))
    assert lease.has_accepted(Signal(kind="promote", request_id="r1"))
    assert not lease.has_accepted(Signal(kind="promote", request_id="r2"))
    assert not lease.has_accepted(Signal(kind="revert", request_id="r1"))


@pytest.mark.parametrize("pending", [None, *KINDS])
def test_what_is_pending_is_of_one_kind(pending: Kind | None) -> None:
    lease = a_lease(signal=pending and Signal(kind=pending))
    assert lease.pausing is (pending == "pause")
    assert lease.reverting is (pending == "revert")
    for kind in KINDS:
        assert lease.has_pending(Signal(kind=kind, reason="again")) is (kind == pending)


@given(KIND, STAGE)
def test_without_a_wait_the_stage_decides(kind: Kind, stage: Stage) -> None:
    lease = a_lease(stage=stage)
    assert lease.why_refused(Signal(kind=kind), None) == signals.why_refused(kind, stage)


@given(KIND, STAGE, st.booleans(), st.integers(0, MOST_SIGNALS + 1), st.none() | st.integers(2, 4))
def test_a_named_wait_only_adds_to_what_is_refused(
    kind: Kind, stage: Stage, parked: bool, many: int, wait: int | None
) -> None:
    lease = a_lease(stage=stage, parked=parked, keys=frozenset(map(str, range(many))))
    anyhow = lease.why_refused(Signal(kind=kind), None)
    refused = lease.why_refused(Signal(kind=kind), wait)
    if wait is None:
        assert refused == anyhow
    elif wait == 3 and anyhow is None:
        assert refused is None
    else:
        assert refused is not None
        assert refused.startswith(WAIT_IS_OVER)
        assert refused.endswith(anyhow or WAIT_IS_OVER)


@pytest.mark.parametrize("ends_on", [None, frozenset()], ids=["unsaid", "nothing"])
def test_what_ends_on_nothing_was_never_a_wait(ends_on: frozenset[str] | None) -> None:
    lease = a_lease(ends_on=ends_on)
    assert lease.why_refused(Signal(kind="promote"), 3) == WAIT_IS_OVER
    assert lease.why_refused(Signal(kind="promote"), None) is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_done_once_more_is_done_so_often_and_no_more(kind: Kind) -> None:
    stage = restoring(0) if kind == "retry" else ROLLOUT
    most = MOST_OF_KIND.get(kind, 100)
    keys = [f"{kind} {n}" for n in range(most)]
    again = a_lease(stage=stage, keys=frozenset(keys)).why_refused(Signal(kind=kind), None)
    if kind in MOST_OF_KIND:
        assert again is not None
        assert f"{most} signals of this kind" in again
    else:
        assert again is None
    one_less = a_lease(stage=stage, keys=frozenset(keys[1:]))
    assert one_less.why_refused(Signal(kind=kind), None) is None


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_way_back_only_a_revert_is_of_use(kind: Kind) -> None:
    stage = restoring(0) if kind == "retry" else ROLLOUT
    refused = a_lease(stage=stage, goes_back=True).why_refused(Signal(kind=kind), None)
    assert (refused is None) == (kind == "revert")


@pytest.mark.parametrize("kind", KINDS)
def test_after_so_many_signals_only_a_revert_is_accepted(kind: Kind) -> None:
    stage = restoring(0) if kind == "retry" else ROLLOUT
    keys = [f"skip {n}" for n in range(MOST_SIGNALS)]
    lease = a_lease(stage=stage, keys=frozenset(keys))
    one_less = a_lease(stage=stage, keys=frozenset(keys[1:]))
    assert one_less.why_refused(Signal(kind=kind), None) is None
    refused = lease.why_refused(Signal(kind=kind), None)
    if kind == "revert":
        assert refused is None
    else:
        assert refused is not None
        assert str(MOST_SIGNALS) in refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_parked_release_can_only_be_reverted(kind: Kind) -> None:
    stage = restoring(0) if kind == "retry" else ROLLOUT
    refused = a_lease(stage=stage, parked=True).why_refused(Signal(kind=kind), None)
    assert (refused is None) is (kind == "revert")
    assert refused is None or "its execution has ended" in refused


def test_a_parked_release_that_returns_is_not_reverted_twice() -> None:
    lease = a_lease(stage=RETURNING, parked=True, keys=frozenset(map(str, range(MOST_SIGNALS))))
    assert lease.why_refused(Signal(kind="revert"), None) is not None


def test_a_free_lease_waits_for_nothing_and_has_nothing_pending() -> None:
    lease = Lease("split")
    assert not any(lease.waits_for(kind) or lease.has_accepted(Signal(kind=kind)) for kind in KINDS)
    assert not (lease.pausing or lease.reverting or lease.transient_decision)
    assert not (lease.parked or lease.touched or lease.recovering)
    assert not any(lease.has_pending(Signal(kind=kind)) for kind in KINDS)
