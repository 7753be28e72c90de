"""Report: what a benchmark has found, with the commit that it was measured on."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import grimp

ROOT = Path("build/bench")
BEGAN = time.time()
GIT = shutil.which("git") or "git"
CODE = (
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
"""What each figure may depend on, beside the benchmark's own files. It is stale once any of it has
changed."""

Figures = dict[str, Any]


def path_of(name: str) -> Path:
    return ROOT / f"{name}.json"


def own_code(module: str) -> list[str]:
    """The files of a benchmark and of what it imports from here and from `tools`."""
    graph = grimp.build_graph("bench", "tools", cache_dir=None)
    # This module writes figures, and changes none.
    imported = graph.find_upstream_modules(module, as_package=True) - {__name__}
    return sorted(_file(name) for name in {module, *imported})


def _file(module: str) -> str:
    path = Path(*module.split("."))
    return str(path if path.is_dir() else path.with_suffix(".py"))


def write(name: str, figures: Figures) -> Path:
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {
        "commit": _git("rev-parse", "--short=10", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--", "bench", *CODE)),
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "seconds": round(time.time() - BEGAN),
    }
    path.write_text(json.dumps({**figures, "measured": measured}, indent=2) + "\n")
    return path


def read(name: str) -> Figures | None:
    path = path_of(name)
    return json.loads(path.read_text()) if path.exists() else None


def is_stale(figures: Figures, module: str) -> bool:
    """Whether the code is another than the one that was measured."""
    measured, code = figures["measured"], (*own_code(module), *CODE)
    if measured["changed_since"] or _git("status", "--porcelain", "--", *code):
        return True
    compared = [GIT, "diff", "--quiet", measured["commit"], "HEAD", "--", *code]
    return subprocess.run(compared, capture_output=True, check=False).returncode != 0


def _git(*arguments: str) -> str:
    asked = subprocess.run([GIT, *arguments], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
