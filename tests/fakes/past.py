"""What the world was: documents that keep what they were, and reads that lag behind."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import VirtualClock
from tests.fakes.service import Fake


class Remembered(dict[str, Any]):
    """A document with its past: what it was is kept when one of its values is set.

    A value that is changed in place has no past, so who writes replaces it.
    """

    def __init__(self, clock: VirtualClock, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.clock = clock
        self._kept: list[tuple[datetime, dict[str, Any]]] = []

    def _keep(self) -> None:
        now = self.clock.now()
        # What lasted for no time at all nobody can have seen.
        if not self._kept or self._kept[-1][0] < now:
            self._kept.append((now, dict(self)))

    def __setitem__(self, key: str, value: Any) -> None:
        self._keep()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._keep()
        super().__delitem__(key)

    def update(self, *others: Any, **more: Any) -> None:
        self._keep()
        super().update(*others, **more)

    def clear(self) -> None:
        self._keep()
        super().clear()

    def at(self, moment: datetime | None) -> dict[str, Any]:
        """The document of that moment, or as it is."""
        if moment is not None:
            for until, document in self._kept:
                if until > moment:
                    return document
        return self


class Lagging(Fake):
    """A fake with a clock, whose reads may answer what was true some time ago.

    `lag` has the seconds by call, such as `ecs.DescribeServices`. No read sees what was before the
    fake began, and the answer to a write never lags.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.began = clock.now()
        self.lag: dict[str, float] = {}

    def moment(self, call: str) -> datetime | None:
        """The moment that this call's answer is of; none means now."""
        lag = self.lag.get(call)
        return max(self.began, self.clock.now() - timedelta(seconds=lag)) if lag else None
