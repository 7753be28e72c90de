"""The command line drives releases in the sandbox, and tells the truth by its exit code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import article
from sandbox.cloud import Sandbox, environment
from stepcanary_cli.history import lines
from tests.eventually import within

eventually = within(30)

COMMAND = Path(sys.executable).with_name("stepcanary")
STEPS = [{"weight": 50, "bake_seconds": 60}, {"weight": 100, "bake_seconds": 60}]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def start(sandbox: Sandbox, *words: str) -> subprocess.Popen[str]:
    env = {**environment(sandbox.endpoint), "STATE_MACHINE": sandbox.machine}
    return subprocess.Popen(
        [str(COMMAND), "--by", "jane", *words],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(sandbox: Sandbox, *words: str) -> tuple[int, str]:
    process = start(sandbox, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


@pytest.mark.timeout(150)
def test_a_release_from_start_to_promotion(sandbox: Sandbox, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({**sandbox.profile, "steps": STEPS}))
    eventually(lambda: sandbox.service("example1")["runningCount"] == 2)
    image = article.image("v2")
    release = ("release", "checkout", "--image", f"app={image}", "--profile", str(profile))
    code, execution = run(sandbox, *release, "--detach")
    assert (code, execution.startswith("arn:aws:states:")) == (0, True)
    # By its service a release is found once it is open.
    eventually(lambda: sandbox.split() == (50, 50))
    watcher = start(sandbox, "watch", "checkout")

    code, text = run(sandbox, "status", "checkout")
    assert code == 0
    status = json.loads(text)
    assert status["running"][0]["execution"] == execution.strip()
    assert (status["running"][0]["by"], status["running"][0]["weight"]) == ("jane (claimed)", 50)

    code, text = run(sandbox, *release)
    assert code == 1
    assert text.splitlines()[-1].startswith("Rejected: traffic: execution")

    assert run(sandbox, "skip", "checkout")[0] == 0
    eventually(lambda: sandbox.split() == (0, 100))
    assert run(sandbox, "promote", "checkout")[0] == 0
    out, err = watcher.communicate(timeout=60)
    assert watcher.returncode == 0, err
    assert "ShiftWeight" in out
    assert "canary 50 %" in out
    assert out.splitlines()[-1] == f"Released: The primary serves {image}."
    assert sandbox.image("example1") == image

    code, text = run(sandbox, "rollback", "checkout")
    assert code == 0, text
    assert sandbox.image("example1").endswith(":v1")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("promote", "checkout"), 1, "Rejected: promote: no release of checkout is running"),
        (("release", "checkout"), 1, "Rejected: request is not valid"),
        (("release", "checkout", "--image", "shop:v2"), 2, "write CONTAINER=IMAGE"),
        (("shift", "checkout", "101"), 1, "Rejected: action is not valid"),
        (("watch", "checkout"), 2, "no release of checkout is running"),
        (("watch", "arn:aws:states:us-east-1:123456789012:execution:a:b"), 2, "AWS says"),
        (("release", "checkout", "--profile", "/nonexistent"), 2, "No such file"),
        (("dance",), 2, "invalid choice"),
    ],
)
def test_mistakes_are_explained_and_change_nothing(
    sandbox: Sandbox, words: tuple[str, ...], code: int, message: str
) -> None:
    before = sandbox.split()
    found, text = run(sandbox, *words)
    assert found == code, text
    assert message in text
    assert "Traceback" not in text
    assert sandbox.split() == before


def test_history_has_the_weight_of_its_moment() -> None:
    def entered(name: str) -> dict[str, Any]:
        return {"timestamp": 0, "stateEnteredEventDetails": {"name": name}}

    def succeeded(payload: Any) -> dict[str, Any]:
        return {"taskSucceededEventDetails": {"output": json.dumps({"Payload": payload})}}

    found = lines(
        [
            entered("ShiftWeight"),
            succeeded({"weight": 5}),
            entered("Bake"),
            entered("WhatVerdict"),
            {"taskSucceededEventDetails": {"output": "not JSON"}},
            entered("Revert"),
            succeeded({"next": "confirm"}),
            entered("ConfirmRest"),
        ]
    )
    assert [(line.state, line.weight) for line in found] == [
        ("ShiftWeight", None),
        ("Bake", 5),
        ("Revert", 5),
        ("ConfirmRest", 0),
    ]
