"""No test reaches AWS: the environment is fake before any module builds a client."""

import gc
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.statemachine.runner import World

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_SERVICE_NAME="stepcanary",
    POWERTOOLS_METRICS_NAMESPACE="StepCanary",
    POWERTOOLS_METRICS_FUNCTION_NAME="test",
    LEDGER_TABLE="ledger",
    SETTINGS_PARAMETER="/stepcanary/settings",
)
for inherited in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
    os.environ.pop(inherited, None)

# The same examples on every machine: a run that fails here fails there.
settings.register_profile(
    "ci",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")


@pytest.fixture
def here() -> Iterator["World"]:
    """A world of the test's own: the stack is deployed in it, and its time is virtual."""
    # Not before the environment is fake.
    from tests.statemachine.runner import world

    with world() as opened:
        yield opened


@pytest.fixture(scope="session")
def transformed_template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """As CloudFormation would see it; `make setup` makes SAM's environment."""
    return transform(tmp_path_factory.mktemp("template") / "transformed.json")


def transform(path: Path, *arguments: str) -> dict[str, Any]:
    root = Path(__file__).resolve().parent.parent
    python = root / ".venv-sam/bin/python"
    subprocess.run([python, "-m", "emulator.transform", path, *arguments], cwd=root, check=True)
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.fixture(scope="session")
def transformed(transformed_template: dict[str, Any]) -> dict[str, Any]:
    """The resources of the transformed template."""
    resources: dict[str, Any] = transformed_template["Resources"]
    return resources


def pytest_collection_finish() -> None:
    """What is there before the first test stays until the last: it need not be looked through for
    garbage again and again, which costs a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and what that starts as well."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
