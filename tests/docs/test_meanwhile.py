"""The infrastructure code that the pages show is code: it parses, and what it ignores is there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hcl2
import pytest

from emulator.template import ROOT
from tests.docs.test_docs import DOCS, blocks

PAGE = DOCS / "meanwhile.md"
EXAMPLES = sorted((ROOT / "examples/terraform").glob("*.tf"))
LINTED = {"hcl", "yaml", "python"}
SETS = {
    ("aws_lb_listener_rule", "target_group"),
    ("aws_lb_listener", "target_group"),
    ("aws_appmesh_route", "weighted_target"),
}
"""Blocks that the provider keeps as sets, so that Terraform refuses an index on them."""
TARGETS = {"target_group", "target_groups", "weighted_target"}


class Resource(NamedTuple):
    type: str
    body: dict[str, Any]

    @property
    def ignored(self) -> list[list[tuple[str, int | None]]]:
        """The paths of `ignore_changes`: each step is a name, and an index if there is one."""
        (lifecycle,) = self.body.get("lifecycle", [{"ignore_changes": []}])
        return [steps(str(path)) for path in lifecycle["ignore_changes"]]


def steps(path: str) -> list[tuple[str, int | None]]:
    found = []
    for step in path.removeprefix("${").removesuffix("}").split("."):
        named = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", step)
        assert named, f"{path} is not a path of names and indices"
        found.append((named[1], int(named[2]) if named[2] else None))
    return found


def terraform() -> list[str]:
    return [*blocks(PAGE, "hcl"), *(path.read_text() for path in EXAMPLES)]


def resources(text: str) -> Iterator[Resource]:
    for block in hcl2.loads(text)["resource"]:
        for kind, named in block.items():
            for body in named.values():
                yield Resource(kind.strip('"'), body)


def weights(body: object) -> list[int]:
    """The weights of a route's targets, wherever they are."""
    found: list[int] = []
    if isinstance(body, dict):
        for name, value in body.items():
            if name in TARGETS:
                found += [target["weight"] for target in value]
            else:
                found += weights(value)
    elif isinstance(body, list):
        for each in body:
            found += weights(each)
    return found


ALL = [resource for text in terraform() for resource in resources(text)]
each_resource = pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.type)


def test_every_snippet_has_a_language_that_is_linted() -> None:
    fences = re.findall(r"^ *```(\w*)", PAGE.read_text(), re.MULTILINE)
    assert set(fences[::2]) == LINTED
    assert len(fences) == 2 * sum(len(blocks(PAGE, language)) for language in LINTED)


@each_resource
def test_what_is_ignored_is_in_the_resource(resource: Resource) -> None:
    for path in resource.ignored:
        inner: Any = resource.body
        for name, index in path:
            assert name in inner, f"{resource.type} has no {name} in {sorted(inner)}"
            inner = inner[name] if index is None else inner[name][index]


@each_resource
def test_no_set_has_an_index(resource: Resource) -> None:
    indexed = {name for path in resource.ignored for name, index in path if index is not None}
    assert {(resource.type, name) for name in indexed} & SETS == set()


@each_resource
def test_weights_begin_at_rest_and_are_ignored(resource: Resource) -> None:
    if found := weights(resource.body):
        assert found == [100, 0]
        assert resource.ignored, f"{resource.type} would write its weights"


def test_terraform_leaves_weights_versions_and_counts_alone() -> None:
    ignored = {
        (resource.type, name) for resource in ALL for path in resource.ignored for name, _ in path
    }
    assert {("aws_ecs_service", "task_definition"), ("aws_ecs_service", "desired_count")} <= ignored
    routed = {resource.type for resource in ALL if weights(resource.body)}
    assert routed == {"aws_lb_listener_rule", "aws_vpclattice_listener_rule", "aws_appmesh_route"}
    kept = [resource for resource in ALL if resource.type == "aws_ecs_task_definition"]
    assert [resource.body["skip_destroy"] for resource in kept] == [True]


@pytest.mark.parametrize("text", blocks(PAGE, "yaml"))
def test_cloudformation_passes_its_linter(text: str, tmp_path: Path) -> None:
    """The linter is in SAM's environment, which `make setup` makes."""
    template = tmp_path / "template.yaml"
    template.write_text(text)
    linter = ROOT / ".venv-sam/bin/cfn-lint"
    command = [str(linter), "--regions", "us-east-1", "--", str(template)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "DesiredCount:" not in text


@pytest.mark.parametrize("text", blocks(PAGE, "python"))
def test_cdk_compiles(text: str) -> None:
    """The CDK needs node, so its names are not resolved."""
    compile(text, str(PAGE), "exec")
