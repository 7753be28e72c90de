"""Evidence: what both sides of a release have counted, period by period, and what it comes to.

A period that was used is never used again, with another value or without: it is written once,
together with the tallies that it has led to.
"""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr
from pydantic import TypeAdapter

from stepcanary import clock
from stepcanary.domain.comparison import Compared, Row
from stepcanary.domain.periods import MINUTE
from stepcanary.store import table
from stepcanary.store.ledger import KEPT_SECONDS
from stepcanary.store.table import Change, ConditionFailed, Item, ItemKey, Put, execution_name

PREFIX = "counts#"
ROWS_PER_PAGE = 500
_compared = TypeAdapter(Compared)


def _key(execution: str, sk: str) -> ItemKey:
    return ItemKey(f"release#{execution_name(execution)}", sk)


def _tally(execution: str, period: int) -> ItemKey:
    return _key(execution, f"tally#{period}")


def read(execution: str, period: int = MINUTE) -> Compared:
    """What the release stands at by the metrics whose periods are so long; one that was never
    compared stands at nothing."""
    item = table.get(_tally(execution, period))
    if not item:
        return Compared()
    found = _compared.validate_json(item["tally"], extra="ignore")
    return found.model_copy(update={"settled": item.get("settled")})


def write(
    execution: str, before: Compared, rows: list[Row], after: Compared, period: int = MINUTE
) -> bool:
    """Keep new rows and what they have led to, unless somebody else was first; whether it was not.
    Those of periods of another length are kept beside them."""
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    same = Attr("at").eq(_at(before)) if before.last or before.until else table.is_absent("at")
    tally = Change(
        _tally(execution, period),
        same,
        set={
            "at": _at(after),
            # What an older version of this stack does not know stands beside it.
            "tally": _compared.dump_json(after, exclude={"settled"}).decode(),
            "settled": after.settled,
            "expires_at": expires_at,
        },
    )
    puts = [
        Put(
            _key(execution, f"{PREFIX}{row.at:012}#{row.period}"),
            {"row": row.model_dump_json(exclude_defaults=True), "expires_at": expires_at},
            table.is_absent("row"),
        )
        for row in rows
    ]
    try:
        table.transact([tally, *puts])
    except ConditionFailed:
        return False
    return True


def _at(compared: Compared) -> str:
    """Names what it stands at: the last period, and until when a verdict has seen its step."""
    return f"{compared.last} {compared.until}"


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows in the order of time; `after` goes on from there, None on the last page."""

    rows: list[Row]
    after: str | None


def page(execution: str, after: str = "") -> RowPage:
    partition = f"release#{execution_name(execution)}"
    found = table.page(partition, PREFIX, after=after, most=ROWS_PER_PAGE)
    return RowPage([_row(item) for item in found.items], found.after)


def rows(execution: str) -> list[Row]:
    """Every row, in the order of time: what the tallies can be computed again from."""
    items = table.every(f"release#{execution_name(execution)}", PREFIX)
    return [_row(item) for item in items]


def _row(item: Item) -> Row:
    return Row.model_validate_json(item["row"], extra="ignore")
