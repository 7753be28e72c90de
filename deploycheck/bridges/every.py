"""All bridges at once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from deploycheck.bridges import cloudformation, elsewhere, eventbridge, functions, stepfunctions


@contextmanager
def crossed() -> Iterator[None]:
    with ExitStack() as opened:
        for service in (cloudformation, elsewhere, eventbridge, functions, stepfunctions):
            opened.enter_context(service.crossed())
        yield
