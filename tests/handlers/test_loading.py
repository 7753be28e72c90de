"""A handler that is loaded is ready: its own models are built, and the collector works again."""

import subprocess
import sys

from emulator import template

CODE = """
import gc
import handlers
assert not gc.isenabled()
import handlers.relay_alarm
from stepcanary.contracts import answers, events, states
assert gc.isenabled()
assert gc.get_freeze_count() > 10_000
assert events.AlarmEvent.__pydantic_complete__
assert answers.Signalled.__pydantic_complete__
assert not answers.Sweep.__pydantic_complete__
assert not states.CloseInput.__pydantic_complete__
"""


def test_what_a_handler_needs_is_built_when_it_is_loaded_and_nothing_else() -> None:
    path = f"{template.ROOT}/functions:{template.ROOT}"
    env = {"PYTHONPATH": path, "AWS_DEFAULT_REGION": "eu-central-1"}
    subprocess.run([sys.executable, "-c", CODE], env=env, check=True)
