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
    "AWS::VpcLattice::Service.Id": "svc-0123456789abcdef0",
    "AWS::VpcLattice::Listener.Id": "listener-0123456789abcdef0",
    "AWS::VpcLattice::Rule.Id": "rule-0123456789abcdef0",
    "AWS::VpcLattice::TargetGroup.Id": "tg-{:x<17.17}",
}
"""What AWS makes up: of `!Ref`, or of an attribute, by type; `{}` is the logical id."""
NAMED = {
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::CloudWatch::Alarm": "AlarmName",
}
"""The property by which a profile knows a resource."""
SPLIT = (
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::AppMesh::Route",
    "AWS::VpcLattice::Rule",
)
LEAST = re.compile(r"IF\(FILL\(\w+, 0\) >= [2-9]\d*, ")
"""How an alarm begins for which it takes several errors."""
TAG = {"Key": "stepcanary", "Value": "managed"}


def folders() -> list[Path]:
    return sorted(path.parent for path in (template.ROOT / "examples").glob("*/profile.json"))


def faults(folder: Path) -> Iterator[str]:
    environment = Environment(template.read(folder / "template.yaml"))
    try:
        text = environment.filled((folder / "profile.json").read_text())
        profile = parse_profile(text, "profile")
        request = parse_request(json.loads((folder / "request.json").read_text()))
    except (RequestRejected, KeyError) as fault:
        yield f"{folder.name}: {fault}"
        return
    if request.service not in environment.defaults.values():
        yield f"{folder.name}: the request is about {request.service}"
    yield from (f"{folder.name}: {fault}" for fault in environment.faults(profile))


class Environment:
    """A template, with its parameters' defaults."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._resources: dict[str, Any] = document["Resources"]
        declared = document.get("Parameters", {}).items()
        self.defaults = {name: str(each["Default"]) for name, each in declared if "Default" in each}

    def filled(self, text: str) -> str:
        """The profile with the outputs that it names. Raises `KeyError` for one that is not."""
        outputs = self._document["Outputs"]
        return re.sub(r"\$\{(\w+)\}", lambda found: self._value(outputs[found[1]]["Value"]), text)

    def faults(self, profile: Profile) -> Iterator[str]:
        made = {self._named(each) for each in self._resources if self._type(each) in NAMED}
        for what, name in _names(profile):
            if name not in made:
                yield f"the template makes no {what} {name}"
        yield from self._untagged(profile)
        yield from self._unscaled(profile)
        yield from self._unfit(profile)

    def _type(self, logical_id: str) -> str:
        kind: str = self._resources[logical_id]["Type"]
        return kind

    def _named(self, logical_id: str) -> str:
        name = self._resources[logical_id]["Properties"][NAMED[self._type(logical_id)]]
        return self._value(name)

    def _value(self, text: str) -> str:
        """What a text of the template is in a stack: a name, `!Ref`, `!GetAtt` or `!Sub`."""
        if "${" in text:
            return re.sub(r"\$\{([\w.]+)\}", lambda found: self._value(found[1]), text)
        if text in self.defaults:
            return self.defaults[text]
        logical_id, _, attribute = text.partition(".")
        if logical_id not in self._resources:
            return text
        kind = self._type(logical_id)
        made_up = EXAMPLES.get(f"{kind}.{attribute}" if attribute else kind)
        if made_up is not None:
            return made_up.format(logical_id.lower())
        if kind in NAMED and attribute in ("", "Name"):
            return self._named(logical_id)
        return self._value(self._resources[logical_id]["Properties"][attribute])

    def _untagged(self, profile: Profile) -> Iterator[str]:
        """Whatever a release changes has to have the tag."""
        sides = (profile.primary, profile.canary)
        for name, resource in self._resources.items():
            is_side = resource["Type"] == "AWS::ECS::Service" and self._named(name) in sides
            is_tagged = TAG in resource.get("Properties", {}).get("Tags", [])
            if (is_side or resource["Type"] in SPLIT) and not is_tagged:
                yield f"{name} has no tag stepcanary=managed"

    def _unscaled(self, profile: Profile) -> Iterator[str]:
        """Both sides scale, and a canary at rest has no task."""
        least = {
            self._value(resource["Properties"]["ResourceId"]): resource["Properties"]["MinCapacity"]
            for resource in self._resources.values()
            if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
        }
        for side in (profile.primary, profile.canary):
            if f"service/{profile.cluster}/{side}" not in least:
                yield f"nothing scales {side}"
        if least.get(f"service/{profile.cluster}/{profile.canary}", 0) != 0:
            yield f"{profile.canary} has to scale to 0"

    def _unfit(self, profile: Profile) -> Iterator[str]:
        """A metric of errors has samples only where there are errors, so it is filled; one error
        says nothing; and at 1 % a minute without requests is usual: it is the judge's to say what
        silence means."""
        for name, resource in self._resources.items():
            if (
                resource["Type"] != "AWS::CloudWatch::Alarm"
                or self._named(name) not in profile.alarms
            ):
                continue
            metrics = resource["Properties"].get("Metrics", [])
            if not any("FILL(" in metric.get("Expression", "") for metric in metrics):
                yield f"{name} takes a minute without an error for one without data"
            if not any(LEAST.match(metric.get("Expression", "")) for metric in metrics):
                yield f"{name} takes one error of few requests for a bad canary"
            if resource["Properties"].get("TreatMissingData") != "notBreaching":
                yield f"{name} reverts a canary that has few requests, for want of data"
            if profile.judge is None:
                yield f"{name} is blind to a canary that nobody asks, and no judge is not"


def _names(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "cluster", profile.cluster
    yield "service", profile.primary
    yield "service", profile.canary
    yield from (("alarm", name) for name in profile.alarms)


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
