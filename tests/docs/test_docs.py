"""The docs say what is: files that exist, targets that make has, JSON that is accepted."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from canary.profile import Profile
from sandbox.stack import ROOT
from tests.builders import profile, request
from tests.statemachine.runner import World

PAGES = [
    *(ROOT / page for page in ("README.md", "CONTRIBUTING.md", "tests/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOLDERS = ("bench", "docs", "events", "functions", "sandbox", "statemachine", "tests", "canary")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)


def exists(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / "functions" / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`([a-z_]+/[\w./<>-]+)`", page.read_text())
    paths = [path for path in named if path.split("/")[0] in FOLDERS]
    lost = [path for path in paths if "<name>" not in path and not exists(path)]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= targets


def test_the_profile_of_a_migration_is_one() -> None:
    (text,) = blocks(ROOT / "docs/migration.md", "json")
    moving = Profile.model_validate(profile(**json.loads("{" + text + "}")))
    assert [traffic.router for traffic in moving.traffic] == ["appmesh", "alb"]


def test_the_test_that_shows_how_to_write_one_passes(here: World) -> None:
    (text,) = blocks(ROOT / "tests/README.md", "python")
    names: dict[str, Any] = {"World": World, "request": request}
    exec(text, names)
    (shown,) = (value for name, value in names.items() if name.startswith("test_"))
    shown(here)
