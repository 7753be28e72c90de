"""However the sandbox is ended, nothing of it is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.template import ROOT
from tests.eventually import within

eventually = within(30)


def group_of(pid: int) -> list[str]:
    """What still runs of the process group of this process."""
    ps = ["ps", "-A", "-o", "pgid=,stat="]
    listed = subprocess.run(ps, check=True, stdout=subprocess.PIPE)
    members = (line.split() for line in listed.stdout.decode().splitlines())
    return [state for group, state in members if int(group) == pid and not state.startswith("Z")]


@pytest.mark.parametrize(
    ("program", "ready", "number", "code"),
    [
        ("sandbox.demo", "expected", signal.SIGTERM, 128 + signal.SIGTERM),
        ("sandbox.demo", "Starting", signal.SIGINT, 128 + signal.SIGINT),
        ("sandbox", "Ready", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_signal_leaves_no_process_and_no_folder(
    program: str, ready: str, number: signal.Signals, code: int, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "functions:.", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert any(ready in line for line in process.stdout)
    process.send_signal(number)
    assert process.wait(30) == code
    eventually(lambda: group_of(process.pid) == [])
    assert list(tmp_path.iterdir()) == []
