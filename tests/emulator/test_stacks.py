"""Stacks: the templates of `examples` are made as they are, and what is not known is refused."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends

from emulator import template
from emulator.moto_gaps import (
    applicationautoscaling,
    appmesh,
    cloudformation,
    cloudwatch,
    ecs,
    elbv2,
    iam,
    vpc_lattice,
)
from emulator.resources.table import TABLE

EXAMPLES = template.ROOT / "examples"
ENVIRONMENTS = {
    "alb": {},
    "appmesh": {},
    "appmesh with a caller": {"Caller": "ENABLED"},
    "lattice": {"LatticePrefixList": "pl-0123456789abcdef0"},
}
GROUP: dict[str, Any] = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {"GroupDescription": "Nobody."},
}


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


class Stacks:
    def __init__(self) -> None:
        self.client = client("cloudformation")

    def create(self, body: str, **parameters: str) -> dict[str, Any]:
        """The stack as it is afterwards."""
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
        named = {"StackName": "shop", "TemplateBody": body, "Parameters": given}
        id = self.client.create_stack(**named, Capabilities=["CAPABILITY_NAMED_IAM"])["StackId"]
        stack: dict[str, Any] = self.client.describe_stacks(StackName=id)["Stacks"][0]
        return stack

    def events(self, stack: str, status: str) -> list[str]:
        events = self.client.describe_stack_events(StackName=stack)["StackEvents"]
        return [
            f"{each['ResourceType']} {each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in events
            if each["ResourceStatus"] == status and "ResourceStatusReason" in each
        ]


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stacks]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with ExitStack() as opened:
        for gap in (applicationautoscaling, appmesh, ecs, elbv2, iam, vpc_lattice):
            opened.enter_context(gap.filled())
        opened.enter_context(cloudwatch.filled(lambda *_: None))
        opened.enter_context(mock_aws())
        opened.enter_context(cloudformation.filled(client))
        yield Stacks()


def text(environment: str) -> str:
    return (EXAMPLES / environment.split()[0] / "template.yaml").read_text()


def of(resources: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def refusal(stacks: Stacks, body: str, **parameters: str) -> str:
    with pytest.raises(ClientError) as refused:
        stacks.create(body, **parameters)
    assert stacks.client.describe_stacks()["Stacks"] == []
    return str(refused.value)


def test_every_type_that_is_known_is_in_an_example() -> None:
    folders = {name.split()[0] for name in ENVIRONMENTS}
    documents = [template.read(EXAMPLES / folder / "template.yaml") for folder in folders]
    used = {each["Type"] for document in documents for each in document["Resources"].values()}
    assert used == TABLE.keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_example_is_made_and_removed(stacks: Stacks, environment: str) -> None:
    vpcs = len(client("ec2").describe_vpcs()["Vpcs"])
    stack = stacks.create(text(environment), **ENVIRONMENTS[environment])
    assert stacks.events(stack["StackId"], "CREATE_FAILED") == []
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    document = template.read(EXAMPLES / environment.split()[0] / "template.yaml")
    wanted = {
        name
        for name, resource in document["Resources"].items()
        if "Condition" not in resource or "caller" in environment
    }
    found = stacks.client.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert {each["LogicalResourceId"] for each in found if each["ResourceType"]} == wanted
    assert {each["OutputKey"] for each in stack["Outputs"]} == document["Outputs"].keys()

    stacks.client.delete_stack(StackName="shop")
    assert stacks.events(stack["StackId"], "DELETE_FAILED") == []
    assert stacks.client.describe_stacks()["Stacks"] == []
    assert len(client("ec2").describe_vpcs()["Vpcs"]) == vpcs
    assert client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert client("appmesh").list_meshes()["meshes"] == []
    assert client("vpc-lattice").list_services()["items"] == []
    assert client("iam").list_roles()["Roles"] == []
    assert client("ecs").list_services(cluster="shop")["serviceArns"] == []


def test_what_a_template_declares_is_what_there_is(stacks: Stacks) -> None:
    stacks.create(text("alb"), Tasks="3", MostTasks="9")
    services = client("ecs").describe_services(
        cluster="shop", services=["shop-primary", "shop-canary"], include=["TAGS"]
    )["services"]
    primary, canary = services
    assert (primary["desiredCount"], canary["desiredCount"]) == (3, 0)
    assert primary["tags"] == canary["tags"] == [{"key": "stepcanary", "value": "managed"}]
    assert primary["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"]
    definition = client("ecs").describe_task_definition(taskDefinition=primary["taskDefinition"])
    app = definition["taskDefinition"]["containerDefinitions"][0]
    assert app["logConfiguration"]["options"]["awslogs-group"] == "/shop/tasks"
    targets = client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in targets["ScalableTargets"]] == [
        (3, 9),
        (0, 9),
    ]
    policies = client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")
    assert len(policies["ScalingPolicies"]) == 2
    elb = client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    rule, _ = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    weights = [g["Weight"] for g in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]]
    assert weights == [100, 0]
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=["shop-canary-errors"])[
        "MetricAlarms"
    ]
    assert [metric.get("Expression") for metric in alarm["Metrics"]] == [
        "IF(FILL(errors, 0) >= 4, 100, 0) * FILL(errors, 0) / requests",
        None,
        None,
    ]


def test_an_unknown_type_is_refused_by_name_before_anything_is_made(stacks: Stacks) -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    message = refusal(stacks, of({"Group": GROUP, "Queue": queue}))
    assert "Unrecognized resource types: [AWS::SQS::Queue (Queue)]" in message


def test_an_unknown_property_fails_by_name_and_removes_what_was_made(stacks: Stacks) -> None:
    cluster = {
        "Type": "AWS::ECS::Cluster",
        "Properties": {"Configuration": {"ExecuteCommandConfiguration": {"Sound": "loud"}}},
    }
    groups = len(client("ec2").describe_security_groups()["SecurityGroups"])
    stack = stacks.create(of({"Group": GROUP, "Cluster": cluster}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.events(stack["StackId"], "CREATE_FAILED") == [
        "AWS::ECS::Cluster Cluster: nothing is known of the property"
        " Configuration.ExecuteCommandConfiguration.Sound"
    ]
    assert len(client("ec2").describe_security_groups()["SecurityGroups"]) == groups


def test_a_resource_that_was_made_in_part_is_removed(stacks: Stacks) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourceSecurityGroupId": "sg-none"}
    half = {**GROUP["Properties"], "SecurityGroupIngress": [rule]}
    groups = len(client("ec2").describe_security_groups()["SecurityGroups"])
    stack = stacks.create(of({"Half": {**GROUP, "Properties": half}}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert len(client("ec2").describe_security_groups()["SecurityGroups"]) == groups


def test_a_resource_that_does_not_become_steady_is_removed(stacks: Stacks) -> None:
    def settle(_: str, ref: str) -> None:
        raise TimeoutError(f"{ref} did not become steady")

    groups = len(client("ec2").describe_security_groups()["SecurityGroups"])
    with cloudformation.filled(client, settle):
        stack = stacks.create(of({"Group": GROUP}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    (reason,) = stacks.events(stack["StackId"], "CREATE_FAILED")
    assert "did not become steady" in reason
    assert len(client("ec2").describe_security_groups()["SecurityGroups"]) == groups


def test_what_aws_would_refuse_is_refused(stacks: Stacks) -> None:
    """Not only by name: properties go through the API's own checks."""
    node = {"Type": "AWS::AppMesh::VirtualNode", "Properties": {"MeshName": "example"}}
    stack = stacks.create(of({"Node": node}))
    (reason,) = stacks.events(stack["StackId"], "CREATE_FAILED")
    assert "AWS::AppMesh::VirtualNode Node: " in reason
    assert 'Missing required parameter in input: "spec"' in reason


def test_an_attribute_that_is_not_there_fails(stacks: Stacks) -> None:
    outputs = {"Colour": {"Value": {"Fn::GetAtt": ["Group", "Colour"]}}}
    stack = stacks.create(of({"Group": GROUP}, Outputs=outputs))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    (reason,) = stacks.events(stack["StackId"], "ROLLBACK_IN_PROGRESS")
    assert "AWS::EC2::SecurityGroup has no attribute Colour" in reason


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Size": "1"}, "Parameters: [Size] do not exist in the template"),
        ({"Colour": "green"}, "parameter Colour must be one of ['red', 'blue']"),
        ({}, "Parameters: [Colour] must have values"),
        ({"Colour": "red", "Name": "A1"}, "parameter Name must match pattern [a-z]+"),
        ({"Colour": "red", "Name": "a"}, "parameter Name has a length under 2"),
        ({"Colour": "red", "Count": "many"}, "parameter Count must be a number"),
        ({"Colour": "red", "Count": "7"}, "parameter Count has a value over 3"),
    ],
)
def test_parameters_are_checked(stacks: Stacks, given: dict[str, str], message: str) -> None:
    declared = {
        "Colour": {"Type": "String", "AllowedValues": ["red", "blue"]},
        "Name": {"Type": "String", "Default": "ab", "AllowedPattern": "[a-z]+", "MinLength": 2},
        "Count": {"Type": "Number", "Default": 1, "MaxValue": 3},
    }
    body = of({"Group": GROUP}, Parameters=declared)
    with pytest.raises(ClientError) as refused:
        stacks.create(body, **given)
    assert message in str(refused.value)
    # What was refused is no stack.
    assert stacks.client.describe_stacks()["Stacks"] == []


def named(text: Any) -> dict[str, Any]:
    return {**GROUP, "Properties": {"GroupDescription": text}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{{", "Template format error"),
        ("a: [b", "Template format error"),
        ("hello", "At least one Resources member must be defined"),
        ("[]", "At least one Resources member must be defined"),
        ("{}", "At least one Resources member must be defined"),
        (of({"A": {}}), "resource A must have a Type"),
        (of({"A": None}), "resource A must have a Type"),
        (of({"A": {**GROUP, "Dependson": "B"}}), "resource property 'Dependson' of A"),
        (of({"A": {**GROUP, "Properties": ["B"]}}), "the Properties of A must be an object"),
        (of({"A": named({"Ref": "B"})}), "Unresolved resource dependencies [B] in the Resources"),
        (of({"A": named({"Fn::Sub": "${B.Arn} ${!C}"})}), "dependencies [B] in the Resources"),
        (of({"A": {**GROUP, "DependsOn": ["B"]}}), "dependencies [B] in the Resources"),
        (of({"A": {**GROUP, "Condition": "C"}}), "Unresolved condition C in Resources"),
        (of({"A": named({"Fn::If": ["C", "a", "b"]})}), "Unresolved condition C in Resources"),
        (of({"A": GROUP}, Outputs={"O": {"Value": {"Ref": "B"}}}), "[B] in the Outputs block"),
        (of({"A": {**GROUP, "DependsOn": "A"}}), "Circular dependency between resources: [A]"),
        (
            of({"A": named({"Ref": "B"}), "B": named({"Fn::GetAtt": ["A", "GroupId"]})}),
            "Circular dependency between resources: [A, B]",
        ),
        (of({"A": GROUP}, Transform="AWS::Serverless-2016-10-31"), "no transform runs here"),
    ],
)
def test_what_is_no_template_is_refused_before_anything_is_made(
    stacks: Stacks, body: str, message: str
) -> None:
    with pytest.raises(ClientError) as refused:
        stacks.create(body)
    assert message in str(refused.value)
    assert stacks.client.describe_stacks()["Stacks"] == []


def test_a_template_elsewhere_is_not_read(stacks: Stacks) -> None:
    with pytest.raises(ClientError, match="give the template as TemplateBody"):
        stacks.client.create_stack(StackName="shop", TemplateURL="https://example.com/shop.yaml")


def test_what_a_condition_leaves_out_cannot_be_named(stacks: Stacks) -> None:
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    left_out = {**GROUP, "Condition": "Never"}
    stack = stacks.create(of({"A": left_out, "B": named({"Ref": "A"})}, Conditions=conditions))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    (reason,) = stacks.events(stack["StackId"], "ROLLBACK_IN_PROGRESS")
    assert "[A]: its condition leaves it out" in reason


def test_a_template_that_makes_roles_has_to_be_let(stacks: Stacks) -> None:
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM"):
        stacks.client.create_stack(StackName="shop", TemplateBody=text("alb"))


def test_no_stack_is_updated(stacks: Stacks) -> None:
    body = of({"Group": GROUP})
    stacks.create(body)
    other = of({"Group": GROUP, "Second": GROUP})
    named = {"StackName": "shop", "ChangeSetName": "second", "ChangeSetType": "UPDATE"}
    with pytest.raises(ClientError, match="delete shop and create it anew"):
        stacks.client.create_change_set(**named, TemplateBody=other)
    with pytest.raises(ClientError, match="delete shop and create it anew"):
        stacks.client.update_stack(StackName="shop", TemplateBody=other)
    stacks.client.create_change_set(**named, TemplateBody=body)
    same = stacks.client.describe_change_set(StackName="shop", ChangeSetName="second")
    assert (same["Status"], same["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in same["StatusReason"]


def test_a_stack_of_which_something_stays_is_kept(stacks: Stacks) -> None:
    stack = stacks.create(of({"Group": GROUP}))
    (group,) = stacks.client.describe_stack_resources(StackName="shop")["StackResources"]
    other = client("ec2").create_security_group(GroupName="other", Description="Asks.")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    source = [{"GroupId": group["PhysicalResourceId"]}]
    client("ec2").authorize_security_group_ingress(
        GroupId=other, IpPermissions=[{**rule, "UserIdGroupPairs": source}]
    )
    client("ec2").delete_security_group(GroupId=group["PhysicalResourceId"])
    stacks.client.delete_stack(StackName="shop")
    (reason,) = stacks.events(stack["StackId"], "DELETE_FAILED")
    assert reason.startswith("AWS::EC2::SecurityGroup Group: ")
    assert stacks.client.describe_stacks()["Stacks"][0]["StackStatus"] == "DELETE_FAILED"


def test_a_stack_that_somebody_else_has_made_is_described(stacks: Stacks) -> None:
    cloudformation.stand(
        cloudformation_backends["123456789012"]["us-east-1"],
        "standing",
        parameters={"Colour": "red"},
        resources={"Machine": ("AWS::StepFunctions::StateMachine", "arn:of:the:machine")},
        outputs={"MachineArn": {"Value": "arn:of:the:machine", "Description": "Start it."}},
    )
    (stack,) = stacks.client.describe_stacks(StackName="standing")["Stacks"]
    assert stack["Outputs"] == [
        {
            "OutputKey": "MachineArn",
            "OutputValue": "arn:of:the:machine",
            "Description": "Start it.",
        }
    ]
    assert stack["Parameters"] == [{"ParameterKey": "Colour", "ParameterValue": "red"}]
    (found,) = stacks.client.list_stack_resources(StackName="standing")["StackResourceSummaries"]
    assert found["PhysicalResourceId"] == "arn:of:the:machine"
    with pytest.raises(ClientError, match="was not made by CloudFormation here"):
        stacks.client.delete_stack(StackName="standing")
