"""Batches: what the canary's log has counted, batch by batch, and its sums.

A batch is written once, together with what it adds to a sum: CloudWatch Logs may deliver it twice,
and Lambda calls again for one that failed. There are several sums, because two transactions on one
item are in each other's way, and batches of many tasks come at once.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from pydantic import TypeAdapter

from stepcanary import clock
from stepcanary.domain.judging import Judging
from stepcanary.domain.log_counts import RETURNED, LogCounts
from stepcanary.domain.log_lines import Read
from stepcanary.errors import AwsUnavailable
from stepcanary.store import table
from stepcanary.store.ledger import KEPT_SECONDS
from stepcanary.store.table import Change, ConditionFailed, ItemKey, Put, execution_name

PREFIX = "batch#"
SUMS = "sums"
SHARDS: Final = 16
"""Of the sums: with one, of a hundred batches at once half would be refused at every try. Together
they are small enough to cost no more to read than one item."""
NUMBERS = Read._fields
TRIES: Final = 6
PAUSE_SECONDS: Final = (0.02, 0.2)
"""Between two tries, at least and at most."""
_counts = TypeAdapter(LogCounts)


def _key(execution: str, sk: str = SUMS) -> ItemKey:
    """A partition of its own: who counts may not write what became of a release."""
    return ItemKey(f"log#{execution_name(execution)}", sk)


def _sum_of(execution: str, digest: str, sums: int) -> ItemKey:
    """The sum that a batch is added to: the same one at each delivery. A release that began with a
    version that had a single one, and reads no other, has it until its end."""
    return _key(execution, f"{SUMS}#{int(digest, 16) % sums:02}" if sums else SUMS)


def _since(step: int) -> str:
    return f"since_{step}"


def _number(step: int, metric: int, name: str) -> str:
    """Metrics by their place: DynamoDB does not take all of what a name may have."""
    return f"{name}_{step}_{metric}"


def begin_step(execution: str, step: int, moment: int) -> None:
    """The canary is about to be given the weight of this step, in epoch milliseconds; the first
    try counts."""
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    first = {_since(step): moment, "sums": SHARDS if step == 0 else 0}
    table.change(Change(_key(execution), set={"expires_at": expires_at}, first=first))


def read(execution: str, judging: Judging) -> LogCounts:
    since: dict[int, int] = {}
    whole = Counter[str]()
    for item in table.every(_key(execution).pk, SUMS):
        numbers = {name: value for name, value in item.items() if isinstance(value, int)}
        since |= {
            int(name.removeprefix("since_")): moment
            for name, moment in numbers.items()
            if name.startswith("since_")
        }
        whole.update(numbers)
    counts = {step: dict(_of_step(whole, step, judging)) for step in (*since, RETURNED)}
    return LogCounts(
        counts={step: found for step, found in counts.items() if found},
        since=since,
        sums=whole["sums"],
    )


def _of_step(sums: Counter[str], step: int, judging: Judging) -> Iterator[tuple[str, Read]]:
    for place, metric in enumerate(judging.metrics):
        found = Read(*(sums[_number(step, place, name)] for name in NUMBERS))
        if any(found):
            yield metric.named, found


def keep(
    execution: str, digest: str, counted: LogCounts, judging: Judging, *, sums: int = SHARDS
) -> bool:
    """Add a batch to its sum; False where it was added before. Raises `AwsUnavailable` while others
    do so."""
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    places = {metric.named: place for place, metric in enumerate(judging.metrics)}
    added = Change(
        _sum_of(execution, digest, sums),
        set={"expires_at": expires_at},
        raise_by={
            _number(step, places[metric], name): value
            for step, found in counted.counts.items()
            for metric, numbers in found.items()
            for name, value in zip(NUMBERS, numbers, strict=True)
            if value
        },
    )
    batch = Put(
        _key(execution, f"{PREFIX}{digest}"),
        {"batch": _counts.dump_json(counted).decode(), "expires_at": expires_at},
        table.is_absent("batch"),
    )
    for _ in range(TRIES - 1):
        with suppress(AwsUnavailable):
            return _is_added(batch, added)
        clock.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - jitter
    return _is_added(batch, added)


def _is_added(batch: Put, sums: Change) -> bool:
    try:
        table.transact([batch, sums])
    except ConditionFailed:
        return False
    return True


def batches(execution: str) -> list[LogCounts]:
    """Every batch: what the sums can be computed again from."""
    items = table.every(_key(execution).pk, PREFIX)
    return [_counts.validate_json(item["batch"]) for item in items]
