"""The state machine engine: moto's, which runs the real definition and the real handlers."""

import datetime
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.core.config import default_user_config
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.common.retry import (
    jitter_strategy_decl,
    retrier_decl,
)
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.backend import execution

from emulator.acceleration import accelerated
from emulator.awslambda import Handler, Invoker
from emulator.clock import Clock
from emulator.moto_gaps import dynamodb, jsonata, stepfunctions
from emulator.moto_gaps.stepfunctions import OnEnd

jitter = Random()
"""The randomness of retries. Whoever seeds it before an execution gets the same back-off again."""


@contextmanager
def engine(
    handlers: dict[str, Handler],
    clock: Clock | None = None,
    on_end: OnEnd = lambda _arn, _status: None,
) -> Iterator[Invoker]:
    """Executions run for real while open. `handlers` are keyed by function name.

    With `clock`, waits, time-outs of tokens and retry back-off pass on it instead of in real time.
    """
    invoker = Invoker(handlers)
    with ExitStack() as opened:
        opened.enter_context(
            patch.dict(default_user_config["stepfunctions"], {"execute_state_machine": True})
        )
        opened.enter_context(dynamodb.filled())
        opened.enter_context(jsonata.filled())
        opened.enter_context(stepfunctions.filled(invoker, clock, on_end))
        opened.enter_context(accelerated())
        if clock is not None:
            opened.enter_context(_timed(clock))
        yield invoker


@contextmanager
def _timed(clock: Clock) -> Iterator[None]:
    """Executions, waits, retry back-off and the entries of states pass on the virtual clock.

    The back-off can be repeated.
    """

    def wait(_self: Any, env: Any, wait_seconds: int) -> None:
        clock.wait_until(lambda: not env.is_running(), wait_seconds)

    slept = type("Clock", (), {"sleep": staticmethod(clock.sleep)})
    dates = _dates(clock)
    with (
        patch.object(state, "datetime", dates),
        patch.object(models, "datetime", dates),
        patch.object(execution, "datetime", dates),
        patch.object(wait_function.WaitFunction, "_wait_interval", wait),
        patch.object(retrier_decl, "time", slept),
        patch.object(jitter_strategy_decl, "random", jitter),
    ):
        yield


def _dates(clock: Clock) -> Any:
    """The module `datetime` as moto asks it for the time at which an execution begins and ends, and
    a state is entered. With each a little later: on AWS no two of one execution are entered in one
    millisecond."""
    last = clock.now()

    def now(tz: datetime.tzinfo) -> datetime.datetime:
        nonlocal last
        moment = clock.now().astimezone(tz)
        # A clock that was set back begins another world.
        is_later = moment > last or last - moment > datetime.timedelta(seconds=10)
        last = moment if is_later else last + datetime.timedelta(milliseconds=1)
        return last

    return SimpleNamespace(datetime=SimpleNamespace(now=now), timezone=datetime.timezone)
