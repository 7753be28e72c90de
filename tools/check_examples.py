"""Check the examples: what an environment's profile and request name is what its template makes.

A profile has `${…}` where the stack's output of that name goes.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator import template
from emulator.account import ACCOUNT, REGION
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import parse_profile, parse_request
from stepcanary.errors import RequestRejected

ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
LISTENER = "app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"
EXAMPLES = {
    "AWS::ElasticLoadBalancingV2::ListenerRule": f"{ELB}:listener-rule/{LISTENER}/9683b2d02a6cabee",
    "AWS::ElasticLoadBalancingV2::TargetGroup": f"{ELB}:targetgroup/{{}}/6d0ecf831eec9f09",
}
"""What `!Ref` is of a resource, by its type; `{}` is its logical id."""
NAMED = {
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::CloudWatch::Alarm": "AlarmName",
}


def folders() -> list[Path]:
    """Those with an environment, and not only with a part of one."""
    return sorted(path.parent for path in (template.ROOT / "examples").glob("*/profile.json"))


def faults(folder: Path) -> Iterator[str]:
    document = template.read(folder / "template.yaml")
    try:
        profile = parse_profile(_filled((folder / "profile.json").read_text(), document), "profile")
        request = parse_request(json.loads((folder / "request.json").read_text()))
    except (RequestRejected, KeyError) as fault:
        yield f"{folder.name}: {fault}"
        return
    if request.service not in _defaults(document).values():
        yield f"{folder.name}: the request is about {request.service}"
    for what, name in _names(profile):
        if name not in _made(document):
            yield f"{folder.name}: the template makes no {what} {name}"
    yield from (f"{folder.name}: {fault}" for fault in _untagged(document))


def _filled(text: str, document: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        resource = document["Outputs"][found[1]]["Value"]
        return EXAMPLES[document["Resources"][resource]["Type"]].format(resource)

    return re.sub(r"\$\{(\w+)\}", value, text)


def _names(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "cluster", profile.cluster
    yield "service", profile.primary
    yield "service", profile.canary
    yield from (("alarm", name) for name in profile.alarms)


def _defaults(document: dict[str, Any]) -> dict[str, str]:
    parameters = document.get("Parameters", {}).items()
    return {name: str(each["Default"]) for name, each in parameters if "Default" in each}


def _made(document: dict[str, Any]) -> set[str]:
    """The names of what is made, with the parameters' defaults."""
    found = set()
    for resource in document["Resources"].values():
        if key := NAMED.get(resource["Type"]):
            text = resource["Properties"][key]
            for name, value in _defaults(document).items():
                text = value if text == name else text.replace(f"${{{name}}}", value)
            found.add(text)
    return found


def _untagged(document: dict[str, Any]) -> Iterator[str]:
    """Whatever a release changes has to have the tag."""
    for name, resource in document["Resources"].items():
        if resource["Type"].endswith(("ECS::Service", "::ListenerRule")):
            tags = resource["Properties"].get("Tags", [])
            if {"Key": "stepcanary", "Value": "managed"} not in tags:
                yield f"{name} has no tag stepcanary=managed"


def main() -> int:
    checked = folders()
    found = [fault for folder in checked for fault in faults(folder)]
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    if not found:
        names = ", ".join(folder.name for folder in checked)
        sys.stdout.write(f"The environments are sound: {names}.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
