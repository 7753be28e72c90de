"""What an account may ask of the stack: names that fit, bounded roles, a key, a kept ledger."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import template

Document = dict[str, Any]

LIMITS = {
    "AWS::SSM::Parameter": ("Name", 1_011),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Logs::QueryDefinition": ("Name", 255),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Policy": ("PolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Alias": ("Name", 128),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
"""What each type calls its name, and how long AWS lets it be. A resource without a name gets one of
CloudFormation's that fits."""
LONGEST_STACK_NAME = 128
LONGEST_REGION = "ap-southeast-1"
PARAMETERS: Document = template.document()["Parameters"]


def if_has(condition: str, value: object) -> Document:
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}


BOUNDARY = if_has("HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"})
KEY = if_has("HasKey", {"Ref": "KmsKeyArn"})


def of_type(resources: Document, kind: str) -> Document:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def names(resources: Document, longest: int) -> Iterator[tuple[str, str, int]]:
    """Every name that the template gives, with the limit for it; the stack's own has all the
    characters that CloudFormation allows, and NamePrefix `longest`."""
    values = {
        "AWS::StackName": "s" * LONGEST_STACK_NAME,
        "AWS::Region": LONGEST_REGION,
        "AWS::AccountId": "123456789012",
        "NamePrefix": "p" * longest,
    }
    for resource in resources.values():
        # A name of a type that is not listed has to be.
        called, limit = LIMITS.get(resource["Type"], ("Name", 0))
        given = resource["Properties"].get(called)
        if given is not None:
            text = given["Fn::Sub"] if isinstance(given, dict) else given
            yield resource["Type"], re.sub(r"\$\{([\w:]+)\}", lambda m: values[m[1]], text), limit


def test_every_name_fits_whatever_the_stack_is_called(transformed: Document) -> None:
    most = PARAMETERS["NamePrefix"]["MaxLength"]
    named = list(names(transformed, most))
    assert {"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"} <= {n[0] for n in named}
    assert [(kind, name) for kind, name, limit in named if len(name) > limit] == []
    # And no shorter prefix is asked for than is needed.
    assert any(len(name) > limit for _, name, limit in names(transformed, most + 1))


def test_every_arn_of_a_name_is_made_as_the_name_is(transformed: Document) -> None:
    (machine,) = of_type(transformed, "AWS::StepFunctions::StateMachine").values()
    assert machine["StateMachineName"] == {"Fn::Sub": "${NamePrefix}-release"}
    text = json.dumps(template.document())
    arns = re.findall(r":(?:stateMachine|execution):([^:\"]+)", text)
    assert len(arns) > 10
    assert set(arns) == {"${NamePrefix}-release"}
    functions = re.findall(r":function:([^:\"]+)", text)
    given = [
        f["FunctionName"]["Fn::Sub"]
        for f in of_type(transformed, "AWS::Lambda::Function").values()
        if "FunctionName" in f
    ]
    assert set(functions) == set(given)


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("NamePrefix", ["stepcanary", "A-1"], ["", "1a", "a_b", "a.b"]),
        (
            "PermissionsBoundaryArn",
            ["", "arn:aws:iam::123456789012:policy/team/bound", "arn:aws-cn:iam::aws:policy/x"],
            ["bound", "arn:aws:iam::123456789012:role/bound"],
        ),
        (
            "KmsKeyArn",
            ["", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234"],
            ["alias/x", "arn:aws:kms:eu-west-1:123456789012:alias/x", "1234abcd"],
        ),
        (
            "ReportBucket",
            ["", "shop-reports", "reports.example.com", "123"],
            ["s3://shop-reports", "shop-reports/", "Shop", "a*", "ab", "-shop", "a" * 64],
        ),
    ],
)
def test_a_wrong_value_is_refused_in_words(parameter: str, good: list[str], bad: list[str]) -> None:
    """CloudFormation says the ConstraintDescription, before it changes anything."""
    pattern = re.compile(PARAMETERS[parameter]["AllowedPattern"])
    assert PARAMETERS[parameter]["ConstraintDescription"].strip()
    assert [value for value in good if not pattern.fullmatch(value)] == []
    assert [value for value in bad if pattern.fullmatch(value)] == []
    assert pattern.fullmatch(PARAMETERS[parameter]["Default"])


def test_every_role_is_bounded(transformed: Document) -> None:
    """Also those that SAM makes."""
    roles = of_type(transformed, "AWS::IAM::Role")
    assert len(roles) > len(template.functions())
    assert [
        name for name, role in roles.items() if role.get("PermissionsBoundary") != BOUNDARY
    ] == []


def actions(policy: Document) -> set[str]:
    named = [_asked(each)["Action"] for each in policy["Statement"]]
    return {action for each in named for action in ([each] if isinstance(each, str) else each)}


def _asked(statement: Document) -> Document:
    """The statement, also where a parameter has to ask for it."""
    found: Document = statement["Fn::If"][1] if "Fn::If" in statement else statement
    return found


def test_the_page_says_which_services_a_boundary_has_to_allow(transformed: Document) -> None:
    granted = set()
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"):
        for properties in of_type(transformed, kind).values():
            policies = [properties] if "PolicyDocument" in properties else properties["Policies"]
            for policy in policies:
                # What a condition leaves out is granted where it is not left out.
                whole = policy["Fn::If"][1] if "Fn::If" in policy else policy
                granted |= actions(whole["PolicyDocument"])
    services = {action.partition(":")[0] for action in granted}
    page = (template.ROOT / "docs/account.md").read_text()
    (listed,) = re.findall(r"These are the services:\n(.*?)\n\n", page, re.DOTALL)
    named = set(re.findall(r"`([a-z0-9-]+)`", listed))
    # SAM adds a policy of AWS's for traces.
    assert named == services | {"xray"}


def test_the_key_encrypts_all_that_is_kept(transformed: Document) -> None:
    (table,) = of_type(transformed, "AWS::DynamoDB::Table").values()
    assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    groups = of_type(transformed, "AWS::Logs::LogGroup").values()
    assert [group["KmsKeyId"] for group in groups] == [KEY] * 2
    (machine,) = of_type(transformed, "AWS::StepFunctions::StateMachine").values()
    encryption = {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": {"Ref": "KmsKeyArn"}}
    assert machine["EncryptionConfiguration"] == if_has("HasKey", encryption)


def test_every_role_may_use_the_key_and_none_beside_its_service(transformed: Document) -> None:
    functions = {f"{f.name}Role" for f in template.functions()}
    roles = of_type(transformed, "AWS::IAM::Role")
    assert set(roles) == functions | {"ReleaseStateMachineRole"}
    use = transformed["UseKey"]
    assert use["Condition"] == "HasKey"
    expected = []
    for function in template.functions():
        condition = transformed[function.name].get("Condition")
        role = {"Ref": f"{function.name}Role"}
        expected.append(if_has(condition, role) if condition else role)
    assert use["Properties"]["Roles"] == expected
    (statement,) = use["Properties"]["PolicyDocument"]["Statement"]
    services = statement["Condition"]["StringEquals"]["kms:ViaService"]
    assert [s["Fn::Sub"].partition(".")[0] for s in services] == [
        "dynamodb",
        "s3",
        "secretsmanager",
        "sns",
        "states",
    ]
    (own,) = (p for p in roles["ReleaseStateMachineRole"]["Policies"] if "Fn::If" in p)
    has, policy, otherwise = own["Fn::If"]
    assert (has, otherwise) == ("HasKey", {"Ref": "AWS::NoValue"})
    for statement in policy["PolicyDocument"]["Statement"]:
        (key,) = statement["Condition"]["StringEquals"]
        assert key.startswith("kms:EncryptionContext:")


def test_the_example_of_a_key_knows_the_log_groups(transformed: Document) -> None:
    example = template.read(template.ROOT / "examples/key/template.yaml")
    (key,) = example["Resources"].values()
    logs = next(s for s in key["Properties"]["KeyPolicy"]["Statement"] if "Log" in s["Sid"])
    named = logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    groups = [
        g["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "${Stack}")
        for g in of_type(transformed, "AWS::Logs::LogGroup").values()
    ]
    assert sorted(arn.partition(":log-group:")[2] for arn in named) == sorted(groups)


EXAMPLE = template.read(template.ROOT / "examples/account/template.yaml")
OF_A_SERVICE = {
    "application-autoscaling",
    "appmesh",
    "cloudwatch",
    "cognito-idp",
    "ecs",
    "elasticloadbalancing",
    "iam",
    "servicediscovery",
    "vpc-lattice",
}
"""What a release calls in the account of its service."""


def test_the_example_of_a_role_may_do_there_what_the_functions_do_here(
    transformed: Document,
) -> None:
    granted = set()
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role"):
        for properties in of_type(transformed, kind).values():
            policies = [properties] if "PolicyDocument" in properties else properties["Policies"]
            for policy in policies:
                whole = policy["Fn::If"][1] if "Fn::If" in policy else policy
                granted |= actions(whole["PolicyDocument"])
    (role,) = EXAMPLE["Resources"].values()
    (policy,) = role["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    # `!If` is read as a list.
    there = [each[1] if isinstance(each, list) else each for each in statements]
    assert actions({"Statement": there}) == {
        action for action in granted if action.partition(":")[0] in OF_A_SERVICE
    }


def test_the_example_of_a_role_is_assumed_with_its_external_id_alone() -> None:
    (role,) = EXAMPLE["Resources"].values()
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    condition = statement["Condition"]
    assert condition["StringEquals"] == {"sts:ExternalId": "ExternalId"}
    assert "role/${Stack}-*" in str(condition["ArnLike"]["aws:PrincipalArn"])


def test_the_ledger_is_kept(transformed: Document) -> None:
    """With the stack's deletion, with its replacement, and when somebody deletes it by hand."""
    table = transformed["LedgerTable"]
    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"
    protected = table["Properties"]["DeletionProtectionEnabled"]
    assert protected == {"Fn::If": ["ProtectsLedger", True, False]}
    assert PARAMETERS["LedgerProtection"]["Default"] == "ENABLED"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_no_task_token_is_logged(transformed: Document) -> None:
    (machine,) = of_type(transformed, "AWS::StepFunctions::StateMachine").values()
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_state_machine_invokes_what_its_definition_names(transformed: Document) -> None:
    """In every version, and nothing else whose name begins alike."""
    machine = transformed["ReleaseStateMachine"]["Properties"]
    named = {n.removesuffix("Arn") for n in machine["DefinitionSubstitutions"] if n.endswith("Arn")}
    role = transformed["ReleaseStateMachineRole"]["Properties"]
    statements = [
        s
        for policy in role["Policies"]
        if "PolicyDocument" in policy
        for s in policy["PolicyDocument"]["Statement"]
        if s["Action"] == ["lambda:InvokeFunction"]
    ]
    (statement,) = statements
    assert {r["Fn::Sub"] for r in statement["Resource"]} == {f"${{{name}.Arn}}:*" for name in named}
