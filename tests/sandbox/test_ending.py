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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_program_is_imported_ends_it_as_later(
    number: signal.Signals, tmp_path: Path
) -> None:
    """It takes seconds, in which somebody may have thought better of it."""
    (tmp_path / "slow.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)")
    run = "from sandbox.console import exit_with_program as run; run('slow')"
    process = subprocess.Popen(
        [sys.executable, "-c", run],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + number, "")


@pytest.mark.parametrize("program", ["sandbox", "sandbox.demo"])
def test_nothing_that_takes_long_is_imported_before(program: str) -> None:
    run = f"import {program}.__main__, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", run],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "functions:."},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert not {"boto3", "moto", "pydantic"} & set(done.stdout.split())
