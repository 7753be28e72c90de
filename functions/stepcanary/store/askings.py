"""Askings: what somebody asked for last in Slack about a service, to know it if it comes again."""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.store import table
from stepcanary.store.table import ConditionFailed, ItemKey, Put

SAME_SECONDS = 60
"""Slack says that a command failed when its acknowledgement took over three seconds, and it is
carried out all the same: its author tries again."""
KEPT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Asking:
    """`what` a member of Slack (`user`) asked for, `at` which epoch second. `execution` is the name
    of the execution that does it."""

    user: str
    what: str
    at: int
    execution: str

    def repeats(self, other: "Asking") -> bool:
        """Whichever of the two comes to be worked on first."""
        same = (self.user, self.what) == (other.user, other.what)
        return same and abs(self.at - other.at) <= SAME_SECONDS


def _key(service: str) -> ItemKey:
    return ItemKey(f"slack#{service}", "last")


def last(service: str) -> Asking | None:
    item = table.get(_key(service))
    return Asking(item["user"], item["what"], item["at"], item["execution"]) if item else None


def keep(service: str, asking: Asking, instead_of: Asking | None) -> bool:
    """Be the last one; False where another has become that meanwhile."""
    is_still = table.is_absent("execution")
    if instead_of is not None:
        is_still = Attr("execution").eq(instead_of.execution)
    item = {
        "user": asking.user,
        "what": asking.what,
        "at": asking.at,
        "execution": asking.execution,
        "expires_at": clock.epoch_seconds() + KEPT_SECONDS,
    }
    try:
        table.put(Put(_key(service), item, is_still))
    except ConditionFailed:
        return False
    return True
