"""Workspace: a folder in which commands find what they find in a clone after `make build`."""

import shutil
from pathlib import Path

from deploycheck.ministack import FOLDER
from emulator.template import ROOT

LINKED = (".venv-sam", "examples", "statemachine")


def workspace(name: str, package: Path) -> Path:
    """A new one, in which this package is what was built."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".aws-sam").mkdir(parents=True)
    (folder / ".aws-sam/build").symlink_to(package)
    for each in LINKED:
        (folder / each).symlink_to(ROOT / each)
    # A copy, because `sam deploy --guided` writes into it.
    shutil.copy(ROOT / "samconfig.toml", folder)
    return folder
