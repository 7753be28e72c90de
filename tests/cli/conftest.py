"""The command line in this process, over a world whose time is virtual: it starts real executions
of the real definition, and the function answers it through Lambda's API."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from emulator import template
from emulator.moto_gaps import awslambda
from stepcanary_cli import watching
from stepcanary_cli.app import run
from tests.statemachine.runner import World

METRICS = re.compile(r'^\{"_aws":.*\n', re.MULTILINE)
"""What functions print into their logs, in this process."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def stack(here: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world, as a command line that was given its state machine finds it."""
    monkeypatch.setenv("STATE_MACHINE", here.machine)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watching, "AFTER_SECONDS", 1)
    with awslambda.filled(template.functions(), here.invoker, here.clock.after):
        yield here


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def given(*words: str) -> Done:
        code = run(list(words))
        said = capsys.readouterr()
        return Done(code, METRICS.sub("", said.out), said.err)

    return given
