"""The command as a process, in the sandbox with its real traffic: what only a process can show."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.template import ROOT
from sandbox import article
from sandbox.cloud import Sandbox, environment
from stepcanary_cli.outcomes import Exit
from tests.eventually import within

eventually = within(30)

COMMAND = (sys.executable, "-m", "stepcanary_cli")
STEPS = [{"weight": 50, "bake_seconds": 60}, {"weight": 100, "bake_seconds": 60}]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def start(sandbox: Sandbox, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--by", "jane", *words],
        env={
            **environment(sandbox.endpoint),
            "STATE_MACHINE": sandbox.machine,
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(sandbox: Sandbox, *words: str) -> tuple[int, str]:
    process = start(sandbox, *words)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out + err


@pytest.mark.timeout(150)
def test_a_release_from_start_to_promotion(sandbox: Sandbox, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({**sandbox.profile, "steps": STEPS}))
    eventually(lambda: sandbox.service("example1")["runningCount"] == 2)
    image = article.image("v2")
    release = ("checkout", "--image", f"app={image}", "--profile", str(profile))
    code, text = run(sandbox, "check", *release)
    assert (code, text.splitlines()[-1]) == (0, "checkout can be released")
    code, execution = run(sandbox, "release", *release, "--detach")
    assert (code, " goes on by itself: arn:aws:states:" in execution) == (0, True)
    eventually(lambda: sandbox.split() == (50, 50))

    # Who stops watching stops nothing.
    watcher = start(sandbox, "watch", "checkout")
    assert watcher.stdout is not None
    assert watcher.stdout.readline()
    watcher.send_signal(signal.SIGINT)
    assert "what was started goes on" in watcher.communicate(timeout=120)[1]
    assert watcher.returncode == Exit.INTERRUPTED

    code, text = run(sandbox, "status", "checkout", "--json")
    [running] = json.loads(text)["running"]
    assert (code, running["execution"]) == (0, execution.split()[-1])
    assert (running["by"], running["weight"]) == ("jane (claimed)", 50)

    assert run(sandbox, "skip", "checkout")[0] == 0
    eventually(lambda: sandbox.split() == (0, 100))
    code, text = run(sandbox, "promote", "checkout", "--wait")
    assert code == 0, text
    assert text.splitlines()[-1] == f"Released: The primary serves {image}."
    assert sandbox.image("example1") == image
    assert "Released" in run(sandbox, "history", "checkout")[1]


@pytest.mark.timeout(60)
def test_who_reads_no_further_misuses_nothing(sandbox: Sandbox) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [*COMMAND, "status", "checkout"],
        env={
            **environment(sandbox.endpoint),
            "STATE_MACHINE": sandbox.machine,
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
        },
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (Exit.CLOSED_PIPE, b"")


@pytest.mark.timeout(60)
def test_a_profile_is_proposed_for_what_is_there(sandbox: Sandbox) -> None:
    words = ("init", "example1", "example2", "--cluster", "example", "--alarm", "example2-5xx")
    code, text = run(sandbox, *words, "--json")
    assert code == 0, text
    # What goes to standard error follows.
    proposed = json.JSONDecoder().raw_decode(text)[0]["profile"]
    given = {key: sandbox.profile[key] for key in proposed}
    traffic = [{**each, **given["traffic"][0]} for each in proposed["traffic"]]
    assert {**proposed, "traffic": traffic} == given
