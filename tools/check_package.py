"""Check the package: what `make build` has built is small, compiled, and all that a function needs.

It is no part of the tests, because it needs the build.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from emulator import template
from tools import package

MOST_PER_CODE_CHANGE = 15_000_000
PYTHON = "cpython-313"
UNCHECKED_HASH = 1
"""Flags of bytecode that is taken without a look at its source."""
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "POWERTOOLS_METRICS_NAMESPACE": "StepCanary",
}
WORK = template.ROOT / "build/package"

EVERY_CLIENT = """
from botocore.exceptions import ParamValidationError
from stepcanary.aws import clients
class Called(Exception): pass
def called(**_): raise Called
def needs_nothing(client, operation):
    given = client.meta.service_model.operation_model(operation).input_shape
    return given is None or not given.required_members
for make in vars(clients).values():
    if hasattr(make, "cache_clear"):
        made = make()
        client = getattr(made, "client", made)
        client.meta.events.register("before-call", called)
        methods = client.meta.method_to_api_mapping
        by_need = sorted(methods, key=lambda method: not needs_nothing(client, methods[method]))
        try:
            getattr(client, by_need[0])()
        except (Called, ParamValidationError):
            continue
        raise AssertionError(f"{by_need[0]} was sent")
"""
"""Each is made, and calls until it would sign: some of its model botocore reads only then. What one
of autoscaling asks for is missed after that."""


def services() -> list[str]:
    return (template.ROOT / "package/services.txt").read_text().split()


def wrong_services() -> Iterator[str]:
    data = package.BUILT / package.LIBRARIES / "python/botocore/data"
    there = sorted(path.name for path in data.iterdir() if path.is_dir())
    if there != services():
        yield f"botocore has the services {there}, and not those of package/services.txt"


def not_compiled(magic: bytes) -> Iterator[str]:
    for layer in package.LAYERS:
        for source in (package.BUILT / layer).rglob("*.py"):
            compiled = source.parent / "__pycache__" / f"{source.stem}.{PYTHON}.pyc"
            head = compiled.read_bytes()[:8] if compiled.exists() else b""
            if head != magic + UNCHECKED_HASH.to_bytes(4, "little"):
                yield f"{source.relative_to(package.BUILT)} has no bytecode that Lambda would take"


def misplaced() -> Iterator[str]:
    for layer in (package.CODE, package.LIBRARIES):
        for path in sorted((package.BUILT / layer / "python").glob("slack*")):
            yield f"{layer} has {path.name}, which only {package.SLACK} should have"
    for function in template.functions():
        found = [path.name for path in package.files(package.BUILT / function.name)]
        if found != ["README"]:
            yield f"{function.name} has files of its own: {found}"


def too_large() -> Iterator[str]:
    stored = package.stored_per_code_change()
    if stored > MOST_PER_CODE_CHANGE:
        yield f"a change of the code stores {stored:,} bytes, over {MOST_PER_CODE_CHANGE:,}"


def not_importable(python: str) -> Iterator[str]:
    """With nothing but its layers, each handler is there, and every client can call."""
    sites: dict[tuple[str, ...], Path] = {}
    for function in template.functions():
        layers = tuple(package.layers_of(function.name))
        if layers not in sites:
            into = WORK / "-".join(layers)
            sites[layers] = package.lay_out(list(layers), into, python)
            if failure := _failure(python, sites[layers], EVERY_CLIENT):
                yield f"a client cannot be made, or cannot call: {failure}"
        module = function.handler.rpartition(".")[0]
        if failure := _failure(python, sites[layers], f"import {module}"):
            yield f"{function.name} cannot be loaded: {failure}"


def _failure(python: str, site: Path, code: str) -> str:
    """The last line of what went wrong."""
    done = subprocess.run(
        [python, "-S", "-c", code],
        env=ENVIRONMENT | {"PYTHONPATH": str(site)},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def main() -> int:
    python = sys.argv[1]
    code = "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)"
    magic = subprocess.run([python, "-c", code], check=True, capture_output=True).stdout
    faults = [
        *wrong_services(),
        *not_compiled(magic),
        *misplaced(),
        *too_large(),
        *not_importable(python),
    ]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    if not faults:
        stored = package.stored_per_code_change()
        sys.stdout.write(f"The package is sound; a change of the code stores {stored:,} bytes.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
