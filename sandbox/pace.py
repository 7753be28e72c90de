"""Pace: the spans of the stack that follow CloudWatch's periods, as short as these are here."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from stepcanary.release import comparing, estimates, floors, watch, windows

WHOLE: list[tuple[ModuleType, str]] = [
    # Autoscaling forgets the load of before as much sooner as its periods are shorter.
    (floors, "STAYS_SECONDS"),
    (watch, "YOUNG_SECONDS"),
    # All that the judge counts in is a number of periods.
    *(
        (each, name)
        for each in (comparing, estimates, windows)
        for name in vars(each)
        if "_SECONDS" in name
    ),
]


def _short(seconds: int, factor: float) -> int:
    return max(1, round(seconds * factor))


@contextmanager
def shortened(factor: float) -> Iterator[None]:
    """While it is open, a span is so many times as long as on AWS."""
    least, most = watch.BETWEEN_SECONDS
    with ExitStack() as opened:
        for module, name in WHOLE:
            of_aws = getattr(module, name)
            if isinstance(of_aws, dict):
                short = {period: _short(span, factor) for period, span in of_aws.items()}
                opened.enter_context(patch.dict(of_aws, short))
            else:
                opened.enter_context(patch.object(module, name, _short(of_aws, factor)))
        opened.enter_context(patch.object(watch, "WATCH_SECONDS", watch.WATCH_SECONDS * factor))
        between = (least * factor, most * factor)
        opened.enter_context(patch.object(watch, "BETWEEN_SECONDS", between))
        yield
