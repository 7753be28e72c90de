"""What is tested is what is shipped: the same packages, and in CI the same Python."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest
import yaml

from emulator import template
from tools.package import pins

PINS = pins("libraries.txt") | pins("slack.txt")


@pytest.mark.parametrize("package", PINS)
def test_the_package_that_is_shipped_is_the_one_that_is_tested(package: str) -> None:
    assert version(package) == PINS[package], "run `make setup`"


def test_every_pin_that_is_shipped_is_in_the_lock_of_the_tests() -> None:
    """So that an environment that is made tomorrow has them as well."""
    locked = (template.ROOT / "requirements-dev.txt").read_text().splitlines()
    assert {f"{package}=={number}" for package, number in PINS.items()} <= set(locked)


def test_the_demo_runs_on_what_is_tested() -> None:
    """Whoever has the demo lacks only the tools, and whoever has these has the demo."""
    demo = (template.ROOT / "requirements-demo.txt").read_text().splitlines()
    tested = (template.ROOT / "requirements-dev.txt").read_text().splitlines()
    assert set(demo) < set(tested)
    assert not {line.partition("==")[0] for line in demo} & {"pytest", "ruff", "mypy", "awscli"}


def test_ci_runs_on_the_python_of_the_functions() -> None:
    workflow = yaml.safe_load((template.ROOT / ".github/workflows/ci.yml").read_text())
    (python,) = {
        step["with"]["python-version"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/setup-python@")
    }
    assert f"python{python}" == template.document()["Globals"]["Function"]["Runtime"]


def test_no_lock_says_where_packages_come_from() -> None:
    locks = [
        *(template.ROOT / f"package/{name}.txt" for name in ("libraries", "slack")),
        *template.ROOT.glob("requirements-*.txt"),
    ]
    assert len(locks) > 3
    for lock in locks:
        assert not re.search(r"://|^-", lock.read_text(), re.MULTILINE)


def test_the_wheel_has_the_command_line_and_the_pure_layers() -> None:
    """Whoever installs the command line needs no Powertools and gets no function."""
    project = tomllib.loads((template.ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "functions/stepcanary/domain" in wheel["only-include"]
    assert {"functions/stepcanary", "functions/stepcanary/aws"}.isdisjoint(wheel["only-include"])
    code = "import sys, stepcanary_cli.app, stepcanary.domain.verdict, stepcanary.domain.lease"
    used = f"{code}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    env = {"PYTHONPATH": f"{template.ROOT}/functions:{template.ROOT}"}
    done = subprocess.run([sys.executable, "-c", used], env=env, check=True, stdout=subprocess.PIPE)
    imported = set(done.stdout.decode().split())
    assert {"boto3", "pydantic"} <= imported
    assert not imported & {"aws_lambda_powertools", "slack_bolt", "handlers"}
