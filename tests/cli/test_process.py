"""The command as a process whose output or terminal is not as it should be; no stack is needed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.template import ROOT
from stepcanary_cli.outcomes import Exit

COMMAND = (sys.executable, "-m", "stepcanary_cli")
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-release"
SLOW = """
import time
print("loading", flush=True)
time.sleep(60)
"""
"""An SDK that takes its time to load."""


def environment(**more: str) -> dict[str, str]:
    places = os.pathsep.join([more.pop("first", ""), str(ROOT / "functions"), str(ROOT)])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": places.lstrip(os.pathsep), **more}


def in_shell(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("stepcanary", " ".join(COMMAND))],
        env=environment(**more),
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_output_is_no_fault() -> None:
    assert in_shell("stepcanary --help >&-").returncode == Exit.DONE
    assert in_shell("stepcanary dance 2>&-").returncode == Exit.MISUSE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_is_no_rejection() -> None:
    done = in_shell("stepcanary --help >/dev/full")
    assert done.returncode == Exit.FAULT
    assert done.stderr.startswith("stepcanary: the output cannot be written: ")
    assert "Traceback" not in done.stderr


NEEDS_A_CODE = """
[profile guarded]
role_arn = arn:aws:iam::123456789012:role/release
source_profile = jane
mfa_serial = arn:aws:iam::123456789012:mfa/jane
[profile jane]
aws_access_key_id = nobody
aws_secret_access_key = nothing
"""


def test_a_code_cannot_be_typed_without_a_terminal(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(NEEDS_A_CODE)
    place = {"AWS_CONFIG_FILE": str(config), "STATE_MACHINE": MACHINE}
    done = in_shell("stepcanary status --aws-profile guarded", **place)
    assert done.returncode == Exit.MISUSE
    assert "has to be typed, and there is no terminal for it" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_encoding_without_the_character() -> None:
    done = in_shell("stepcanary status shöp", PYTHONIOENCODING="ascii", STATE_MACHINE="shöp")
    assert done.returncode == Exit.MISUSE
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_it_loads(tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text(SLOW)
    loading = subprocess.Popen(
        COMMAND,
        env=environment(first=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert loading.stdout is not None
    assert loading.stdout.readline() == "loading\n"
    loading.send_signal(signal.SIGINT)
    assert loading.communicate(timeout=30)[1] == ""
    assert loading.returncode == -signal.SIGINT
