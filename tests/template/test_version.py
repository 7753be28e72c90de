"""The version is one number: of the stack, the wheel, the command and the changelog."""

import re
import tomllib

from emulator import template
from stepcanary.version import VERSION

PROJECT = tomllib.loads((template.ROOT / "pyproject.toml").read_text())


def test_it_is_a_number_that_can_be_a_tag() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_the_stack_shows_it() -> None:
    assert template.document()["Outputs"]["Version"]["Value"] == VERSION


def test_the_wheel_takes_it_from_the_code() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    source = PROJECT["tool"]["hatch"]["version"]
    found = re.search(source["pattern"], (template.ROOT / source["path"]).read_text())
    assert found is not None
    assert found["version"] == VERSION


def test_the_changelog_begins_with_it() -> None:
    headings = re.findall(r"^## (.+)$", (template.ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(each for each in headings if each != "Unreleased").split()[0] == VERSION


def test_the_readme_says_it() -> None:
    assert f"This is version {VERSION}:" in (template.ROOT / "README.md").read_text()
