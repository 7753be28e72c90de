"""Every module of the domain has its unit test file, so that a new one is not forgotten."""

from pathlib import Path

import pytest

import stepcanary.domain

DOMAIN = Path(stepcanary.domain.__path__[0])
WITHOUT_LOGIC = {"__init__", "model"}
MODULES = sorted({path.stem for path in DOMAIN.glob("*.py")} - WITHOUT_LOGIC)


def test_the_modules_are_found() -> None:
    assert "verdict" in MODULES
    assert all((DOMAIN / f"{name}.py").exists() for name in WITHOUT_LOGIC)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test_file_that_imports_it(module: str) -> None:
    test = Path(__file__).with_name(f"test_{module}.py")
    assert test.exists(), f"write {test.name}"
    lines = test.read_text().splitlines()
    ways = (f"from stepcanary.domain.{module} import ", f"from stepcanary.domain import {module}")
    assert any(line.startswith(ways) for line in lines)
