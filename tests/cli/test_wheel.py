"""The wheel, built and installed where nothing else is, releases in the sandbox.

It asks the package index, so `make cli-check` runs it and `make test` does not.
"""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.template import ROOT
from sandbox import article
from sandbox.cloud import Sandbox, environment
from stepcanary.version import VERSION
from tests.eventually import within

pytestmark = [pytest.mark.index, pytest.mark.timeout(300)]
eventually = within(30)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(pip, check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's commands."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "-q", wheel], check=True)
    return folder / "bin"


def run(command: list[str | Path], **variables: str) -> tuple[int, str]:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    with Sandbox() as sandbox:
        eventually(lambda: sandbox.service("example1")["runningCount"] == 2)
        yield {**environment(sandbox.endpoint), "STATE_MACHINE": sandbox.machine}


def test_it_has_what_the_command_needs_and_no_more(wheel: Path) -> None:
    assert wheel.name == f"stepcanary-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    info = f"stepcanary-{VERSION}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"stepcanary", "stepcanary_cli", info}
    parts = {name.split("/")[1] for name in names if name.startswith("stepcanary/")}
    assert parts == {"__init__.py", "access.py", "domain", "errors.py", "report", "version.py"}
    assert "stepcanary/report/report.css" in names


def test_it_says_its_version_and_completes(installed: Path) -> None:
    stepcanary = installed / "stepcanary"
    assert run([stepcanary, "--version"]) == (0, f"stepcanary {VERSION}\n")
    for shell in ("bash", "zsh", "fish"):
        code, script = run([stepcanary], _STEPCANARY_COMPLETE=f"{shell}_source")
        assert (code, "_STEPCANARY_COMPLETE" in script) == (0, True)
    code, names = run(
        [stepcanary],
        _STEPCANARY_COMPLETE="bash_complete",
        COMP_WORDS="stepcanary pro",
        COMP_CWORD="1",
    )
    assert (code, names.split()) == (0, ["plain,promote"])


def test_it_checks_and_releases(installed: Path, variables: dict[str, str]) -> None:
    stepcanary = installed / "stepcanary"
    image = article.image("v2")
    version = ("checkout", "--image", f"app={image}")
    code, text = run([stepcanary, "check", *version], **variables)
    assert (code, text.splitlines()[-1]) == (0, "checkout can be released")
    code, text = run([stepcanary, "release", *version], **variables)
    assert (code, text.splitlines()[-1]) == (0, f"Released: The primary serves {image}.")
    code, text = run([stepcanary, "version"], **variables)
    assert (code, text) == (0, f"command {VERSION}, stack {VERSION}\n")
