"""Guards: what keeps a release safe, switched off to show what it is worth or what follows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sandbox import article
from sandbox.gateway import Gateway
from stepcanary.release import floors


@contextmanager
def floors_off() -> Iterator[None]:
    """Nobody keeps autoscaling from taking the tasks of a side that has lost its traffic."""

    def as_it_is(_release: Any, lease: Any, *_: Any, **__: Any) -> Any:
        return lease

    with (
        patch.object(floors, "put_up", as_it_is),
        patch.object(floors, "keep_count", as_it_is),
        patch.object(floors, "try_to_keep_count", as_it_is),
    ):
        yield


@contextmanager
def canary_unmeasured() -> Iterator[None]:
    """Nobody counts the requests of the canary: as where an agent that publishes them is dead."""
    stats, times = Gateway.cluster_stats, Gateway.response_times

    def others(found: Any) -> Any:
        return {name: each for name, each in found.items() if name != article.CANARY}

    with (
        patch.object(Gateway, "cluster_stats", lambda self: others(stats(self))),
        patch.object(Gateway, "response_times", lambda self: others(times(self))),
    ):
        yield
