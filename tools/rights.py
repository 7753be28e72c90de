"""Rights: what the roles of a template may do, and what a later template takes away from them.

A release ends on the versions of the functions that it began with, but under the roles, the names
and the settings that the stack has by then. So what one version of the stack has given, the next
one still gives. `tests/template/rights.json` has what the last version gave. To write it when a
version is released, run

    make template
    python -m tools.rights build/template.transformed.json tests/template/rights.json
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stepcanary.version import VERSION

Template = Mapping[str, Any]

KEPT_FOR_OLDER: dict[str, set[str]] = {}
"""Actions that only functions of the last version still call, by function. They stay granted for
one version, and are not written down when that is released."""
HAVE_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SSM::Parameter": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""What an execution reaches by its name. Of a function that goes, all versions go with it."""


class Right(NamedTuple):
    """An action on a resource, in CloudFormation's words, `when` a condition of the stack holds."""

    role: str
    action: str
    resource: str
    condition: str = "{}"
    when: str = ""

    def __str__(self) -> str:
        return f"{self.role} {self.action} on {self.resource}"


def rights(template: Template) -> set[Right]:
    """Of each role, its own and those that it shares, in a transformed template."""
    resources = template["Resources"]
    found: set[Right] = set()
    for name, resource in resources.items():
        properties, when = resource.get("Properties", {}), resource.get("Condition", "")
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                found |= set(_granted(name, policy, ""))
            for shared in properties.get("ManagedPolicyArns", []):
                found |= set(_shared(name, shared, resources))
        elif resource["Type"] == "AWS::IAM::Policy":
            for role in properties["Roles"]:
                has, (reference,) = _chosen(role)
                found |= set(_granted(reference["Ref"], properties, when or has))
    return found


def _shared(role: str, policy: Any, resources: Template) -> Iterator[Right]:
    if isinstance(policy, dict) and policy.get("Ref") in resources:
        yield from _granted(role, resources[policy["Ref"]]["Properties"], "")
    else:
        yield Right(role, "all of the policy", _text(policy))


def _granted(role: str, policy: Any, when: str) -> Iterator[Right]:
    has, (whole,) = _chosen(policy)
    for each in whole["PolicyDocument"]["Statement"]:
        has_too, (statement,) = _chosen(each)
        allows = "" if statement["Effect"] == "Allow" else "no "
        for action in _listed(statement["Action"]):
            for each_resource in _listed(statement["Resource"]):
                for needs, resource in _choices(each_resource):
                    yield Right(
                        role,
                        f"{allows}{action}",
                        _text(resource),
                        _text(statement.get("Condition", {})),
                        when or has or has_too or needs,
                    )


def _chosen(node: Any) -> tuple[str, list[Any]]:
    """What is there where a condition holds, and the condition."""
    if isinstance(node, dict) and "Fn::If" in node:
        condition, there, _ = node["Fn::If"]
        return str(condition), [there]
    return "", [node]


def _choices(node: Any) -> Iterator[tuple[str, Any]]:
    condition, found = _chosen(node)
    for each in found:
        yield condition, each


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def _text(node: Any) -> str:
    return node if isinstance(node, str) else json.dumps(node, sort_keys=True)


def covers(now: Right, before: Right) -> bool:
    """Whether the one gives at least what the other gave."""
    return (
        (now.role, now.action) == (before.role, before.action)
        and now.resource in ("*", before.resource)
        and now.when in ("", before.when)
        and _asks_no_more(json.loads(now.condition), json.loads(before.condition))
    )


def _asks_no_more(now: Template, before: Template) -> bool:
    """Every value that was good enough still is."""
    for operator, keys in now.items():
        for key, values in keys.items():
            were = before.get(operator, {}).get(key)
            if were is None or not _texts(were) <= _texts(values):
                return False
    return True


def _texts(values: Any) -> set[str]:
    return {_text(value) for value in _listed(values)}


def names(template: Template) -> dict[str, str]:
    """What an execution reaches by its name, with the name that the template gives it."""
    return {
        name: _text(resource.get("Properties", {}).get(HAVE_NAMES[resource["Type"]], ""))
        for name, resource in template["Resources"].items()
        if resource["Type"] in HAVE_NAMES
    }


def settings(template: Template) -> set[str]:
    """The keys of what functions read of the stack's parameters."""
    parameter = template["Resources"].get("Settings")
    text = _text(parameter["Properties"]["Value"]) if parameter else ""
    return set(re.findall(r'\\?"(\w+)\\?": \\?"\$\{', text))


def taken_away(before: Template, now: Template) -> list[str]:
    """What the one wrote down and the other gives no more; a sentence for each."""
    given = rights(now)
    gone = [
        str(right)
        for right in sorted(Right(*each) for each in before["rights"])
        if not right.action.startswith("no ") and not any(covers(each, right) for each in given)
    ]
    denied = {right for right in given if right.action.startswith("no ")}
    gone += sorted(map(str, denied - {Right(*each) for each in before["rights"]}))
    here = names(now)
    gone += [
        f"{name} is gone, or has another name"
        for name, called in sorted(before["names"].items())
        if here.get(name) != called
    ]
    return gone + [f"setting {key}" for key in sorted({*before["settings"]} - settings(now))]


def written_down(template: Template, version: str) -> dict[str, Any]:
    kept = {(f"{function}Role", a) for function, all_ in KEPT_FOR_OLDER.items() for a in all_}
    return {
        "version": version,
        "names": names(template),
        "settings": sorted(settings(template)),
        "rights": [list(r) for r in sorted(rights(template)) if (r.role, r.action) not in kept],
    }


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    written = written_down(json.loads(source.read_text()), VERSION)
    rows = ",\n".join(json.dumps(row) for row in written.pop("rights"))
    head = json.dumps(written, indent=1).removesuffix("\n}")
    target.write_text(f'{head},\n "rights": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
