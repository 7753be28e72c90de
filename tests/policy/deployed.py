"""Deployed: the transformed template as an account has it, with the parameters that were given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.account import ACCOUNT, REGION
from emulator.events import Rule
from tests.policy.iam import Policy

STACK = "stepcanary"
SUFFIX = "1A2B3C4D5E6F"
"""What CloudFormation makes names of that the template leaves out."""

Values = Mapping[str, str | list[str]]

MANAGED_BY_AWS: dict[str, Policy] = {
    f"arn:aws:iam::aws:policy/{name}": {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"},
    }
    for name, actions in {
        "service-role/AWSLambdaBasicExecutionRole": [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        "AWSXrayWriteOnlyAccess": [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ],
    }.items()
}
"""https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html"""

_NAMED_BY = (
    "FunctionName",
    "StateMachineName",
    "TableName",
    "LogGroupName",
    "QueueName",
    "AlarmName",
    "Name",
)
_ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_ARN = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/{SUFFIX}",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()
"""AWS::NoValue."""


@dataclass(frozen=True, slots=True)
class BusRule:
    bus: str
    is_on: bool
    rule: Rule


class Deployed:
    def __init__(self, template: dict[str, Any], given: Values) -> None:
        """What is given of parameters that the template does not have is left out."""
        self._conditions: dict[str, Any] = template["Conditions"]
        self._values = {
            name: given.get(name, _default(parameter))
            for name, parameter in template["Parameters"].items()
        }
        self.resources: dict[str, Any] = {
            name: resource
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self._is(resource["Condition"])
        }
        self._resolved: dict[str, dict[str, Any]] = {}

    def roles(self) -> list[str]:
        return [name for name, _ in self._of_type("AWS::IAM::Role")]

    def properties_of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Of the resources of a type, by name."""
        return dict(self._of_type(kind))

    def resolved(self) -> dict[str, Any]:
        """All that there is, by name."""
        return {name: self._resolve(each) for name, each in self.resources.items()}

    def functions(self) -> list[str]:
        return [name for name, _ in self._of_type("AWS::Lambda::Function")]

    def arn(self, name: str) -> str:
        resource = self.resources[name]
        path = _ARNS[resource["Type"]]
        return "arn:aws:" + path.format(region=REGION, account=ACCOUNT, name=self._name(name))

    def identity(self, role: str) -> list[Policy]:
        """The policies of a role, those that it shares among them, and those put up beside it."""
        properties = self._properties(role)
        shared = {self.arn(n): n for n, _ in self._of_type("AWS::IAM::ManagedPolicy")}
        added = [p for _, p in self._of_type("AWS::IAM::Policy") if self._name(role) in p["Roles"]]
        own = [*properties.get("Policies", []), *added]
        return [each["PolicyDocument"] for each in own] + [
            self._properties(shared[arn])["PolicyDocument"]
            if arn in shared
            else MANAGED_BY_AWS[arn]
            for arn in properties["ManagedPolicyArns"]
        ]

    def policy_of(self, arn: str) -> Policy | None:
        """What a resource of the stack lets others do, or whom its role trusts."""
        for name, _ in self._of_type("AWS::IAM::Role"):
            if self.arn(name) == arn:
                trust: Policy = self._properties(name)["AssumeRolePolicyDocument"]
                return trust
        statements = [*self._invocations(arn), *self._puts(arn)]
        return {"Version": "2012-10-17", "Statement": statements} if statements else None

    def rules(self) -> list[BusRule]:
        """Those that hear of events, and not of the time."""
        return [
            BusRule(
                properties.get("EventBusName", "default"),
                properties.get("State", "ENABLED") == "ENABLED",
                Rule(properties["Targets"][0]["Arn"], properties["EventPattern"]),
            )
            for _, properties in self._of_type("AWS::Events::Rule")
            if "EventPattern" in properties
        ]

    def parameters(self) -> dict[str, str]:
        """The SSM parameters that the stack puts up."""
        found = self._of_type("AWS::SSM::Parameter")
        return {properties["Name"]: properties["Value"] for _, properties in found}

    def _invocations(self, arn: str) -> Iterator[dict[str, Any]]:
        """What a function's permissions are in its policy."""
        for _, p in self._of_type("AWS::Lambda::Permission"):
            if p["FunctionName"] != arn:
                continue
            condition: dict[str, dict[str, Any]] = {}
            if "SourceArn" in p:
                condition["ArnLike"] = {"aws:SourceArn": p["SourceArn"]}
            if "SourceAccount" in p:
                condition["StringEquals"] = {"aws:SourceAccount": p["SourceAccount"]}
            if "FunctionUrlAuthType" in p:
                auth = {"lambda:FunctionUrlAuthType": p["FunctionUrlAuthType"]}
                condition["StringEquals"] = {**condition.get("StringEquals", {}), **auth}
            if "InvokedViaFunctionUrl" in p:
                condition["Bool"] = {"lambda:InvokedViaFunctionUrl": p["InvokedViaFunctionUrl"]}
            principal = p["Principal"]
            kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
            yield {
                "Effect": "Allow",
                "Principal": {kind: principal},
                "Action": p["Action"],
                "Resource": arn,
                "Condition": condition,
            }

    def _puts(self, arn: str) -> Iterator[Any]:
        for _, properties in self._of_type("AWS::Events::EventBusPolicy"):
            bus = properties.get("EventBusName", "default")
            if arn.endswith(f":event-bus/{bus}"):
                yield properties["Statement"]

    def _of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, resource in self.resources.items():
            if resource["Type"] == kind:
                yield name, self._properties(name)

    def _properties(self, name: str) -> dict[str, Any]:
        if name not in self._resolved:
            self._resolved[name] = self._resolve(self.resources[name]["Properties"])
        return self._resolved[name]

    # What CloudFormation does with its functions

    def _resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            found = [self._resolve(each) for each in node]
            return [each for each in found if each is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        pairs = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in pairs.items() if value is not _NOTHING}

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                name, attribute = argument
                return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"
            case "Fn::Sub":
                return self._sub(*([argument] if isinstance(argument, str) else argument))
            case "Fn::If":
                condition, then, otherwise = argument
                return self._resolve(then if self._is(condition) else otherwise)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(self._resolve(parts))
        raise ValueError(f"{function} is not resolved")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._values:
            return self._values[name]
        resource = self.resources[name]
        match resource["Type"]:
            case "AWS::Lambda::Alias" | "AWS::Lambda::Version" as kind:
                function = self._resolve(resource["Properties"]["FunctionName"])
                arn = _ARNS["AWS::Lambda::Function"].format(
                    region=REGION, account=ACCOUNT, name=function
                )
                qualifier = "1" if kind.endswith("Version") else resource["Properties"]["Name"]
                return f"arn:aws:{arn}:{qualifier}"
            case kind if kind in _REF_IS_ARN:
                return self.arn(name)
        return self._name(name)

    def _name(self, name: str) -> str:
        properties = self.resources[name].get("Properties", {})
        given = next((properties[key] for key in _NAMED_BY if key in properties), None)
        return f"{STACK}-{name}-{SUFFIX}" if given is None else str(self._resolve(given))

    def _sub(self, text: str, variables: Mapping[str, Any] = {}) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return str(self._resolve(variables[name]))
            resource, _, attribute = name.partition(".")
            called = {"Fn::GetAtt": [resource, attribute]} if attribute else {"Ref": name}
            return str(self._resolve(called))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _is(self, condition: str) -> bool:
        return self._holds(self._conditions[condition])

    def _holds(self, node: dict[str, Any]) -> bool:
        ((function, argument),) = node.items()
        match function:
            case "Condition":
                return self._is(argument)
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(each) for each in argument)
            case "Fn::Or":
                return any(self._holds(each) for each in argument)
            case "Fn::Equals":
                one, other = self._resolve(argument)
                return str(one) == str(other)
        raise ValueError(f"{function} is no condition")


def _default(parameter: dict[str, Any]) -> str | list[str]:
    default = str(parameter.get("Default", ""))
    return default.split(",") if parameter["Type"] == "CommaDelimitedList" else default
