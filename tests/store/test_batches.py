"""Batches are added to their sums once, however often and wherever they are delivered."""

from hashlib import sha256

import pytest

from stepcanary import clock
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.log_counts import LogCounts
from stepcanary.domain.log_lines import Read
from stepcanary.domain.log_source import LogSource
from stepcanary.errors import AwsUnavailable
from stepcanary.store import batches, table
from tests.store.conftest import EXECUTION

ONE = f"{EXECUTION}one"
LOG = LogSource(group="/ecs/checkout", status="status")
JUDGING = Judging(metrics=[Metric(kind="errors"), Metric(kind="logs", name="access", log=LOG)])


def digest(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()[:32]


def batch(requests: int, step: int = 0) -> LogCounts:
    return LogCounts(counts={step: {"access": Read(requests, 1, 2)}})


def sums_written() -> list[str]:
    pk = f"log#{ONE.rpartition(':')[2]}"
    return [item["sk"] for item in table.every(pk, f"{batches.SUMS}#")]


def test_batches_are_added_up_and_spread() -> None:
    batches.begin_step(ONE, 0, 1_000)
    batches.begin_step(ONE, 1, 2_000)
    for number in range(100):
        batches.keep(ONE, digest(number), batch(number, step=number % 2), JUDGING)
    found = batches.read(ONE, JUDGING)
    assert found.since == {0: 1_000, 1: 2_000}
    assert found.counts == {
        0: {"access": Read(sum(range(0, 100, 2)), 50, 100)},
        1: {"access": Read(sum(range(1, 100, 2)), 50, 100)},
    }
    assert len(batches.batches(ONE)) == 100
    assert len(sums_written()) == batches.SHARDS


def test_a_batch_counts_once_and_in_one_place() -> None:
    batches.begin_step(ONE, 0, 1_000)
    added = [batches.keep(ONE, digest(7), batch(9), JUDGING) for _ in range(5)]
    assert added == [True, False, False, False, False]
    assert batches.read(ONE, JUDGING).counts == {0: {"access": Read(9, 1, 2)}}
    assert len(sums_written()) == 1


def test_what_a_former_version_of_the_stack_has_added_counts() -> None:
    batches.begin_step(ONE, 0, 1_000)
    key = table.ItemKey(f"log#{ONE.rpartition(':')[2]}", batches.SUMS)
    table.change(table.Change(key, raise_by={"requests_0_1": 40, "bad_0_1": 4}))
    batches.keep(ONE, digest(1), batch(9), JUDGING)
    assert batches.read(ONE, JUDGING).counts == {0: {"access": Read(49, 5, 2)}}


@pytest.mark.parametrize("refused", [1, batches.TRIES - 1, batches.TRIES])
def test_others_at_work_are_waited_for(monkeypatch: pytest.MonkeyPatch, refused: int) -> None:
    batches.begin_step(ONE, 0, 1_000)
    left, waited = [refused], list[float]()
    plain = table.transact

    def transact(writes: list[table.Write]) -> None:
        if left[0]:
            left[0] -= 1
            raise AwsUnavailable("TransactWriteItems: cancelled: TransactionConflict")
        plain(writes)

    monkeypatch.setattr(table, "transact", transact)
    monkeypatch.setattr(clock, "sleep", waited.append)
    if refused < batches.TRIES:
        batches.keep(ONE, digest(1), batch(9), JUDGING)
        assert len(waited) == refused
        assert batches.read(ONE, JUDGING).counts == {0: {"access": Read(9, 1, 2)}}
        return
    with pytest.raises(AwsUnavailable):
        batches.keep(ONE, digest(1), batch(9), JUDGING)
    assert batches.read(ONE, JUDGING).counts == {}
    # Lambda delivers it again, a minute later.
    batches.keep(ONE, digest(1), batch(9), JUDGING)
    assert batches.read(ONE, JUDGING).counts == {0: {"access": Read(9, 1, 2)}}


def test_a_release_that_began_with_a_single_sum_has_it_until_its_end() -> None:
    """A version that knows no other reads it for its verdicts."""
    key = table.ItemKey(f"log#{ONE.rpartition(':')[2]}", batches.SUMS)
    table.change(table.Change(key, set={"since_0": 1_000}))
    batches.keep(ONE, digest(1), batch(9), JUDGING, sums=batches.read(ONE, JUDGING).sums)
    assert sums_written() == []
    assert batches.read(ONE, JUDGING).counts == {0: {"access": Read(9, 1, 2)}}
