"""Report: what a benchmark has found, with the commit that it was measured on."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path("build/bench")
BEGAN = time.time()
GIT = shutil.which("git") or "git"
CODE = (
    "bench",
    "emulator",
    "functions",
    "package",
    "requirements-aws.in",
    "requirements-demo.in",
    "sandbox",
    "statemachine",
    "stepcanary_cli",
    "template.yaml",
    "tests/builders.py",
    "tests/fakes",
    "tests/statemachine/runner.py",
    "tests/store/conftest.py",
)
"""What a figure may depend on. A benchmark is stale once any of it has changed."""

Figures = dict[str, Any]


def path_of(name: str) -> Path:
    return ROOT / f"{name}.json"


def write(name: str, figures: Figures) -> Path:
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {
        "commit": _git("rev-parse", "--short=10", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--", *CODE)),
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "seconds": round(time.time() - BEGAN),
    }
    path.write_text(json.dumps({**figures, "measured": measured}, indent=2) + "\n")
    return path


def read(name: str) -> Figures | None:
    path = path_of(name)
    return json.loads(path.read_text()) if path.exists() else None


def is_stale(figures: Figures) -> bool:
    """Whether the code is another than the one that was measured."""
    measured = figures["measured"]
    if measured["changed_since"] or _git("status", "--porcelain", "--", *CODE):
        return True
    compared = [GIT, "diff", "--quiet", measured["commit"], "HEAD", "--", *CODE]
    return subprocess.run(compared, capture_output=True, check=False).returncode != 0


def _git(*arguments: str) -> str:
    asked = subprocess.run([GIT, *arguments], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
