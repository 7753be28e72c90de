"""Roles. What they may do is kept and not enforced."""

import json
from functools import partial
from typing import Any

from emulator.resources.making import Made, Make, Wanted, call, undoing


def role(wanted: Wanted) -> Made:
    iam = wanted.client("iam")
    trust, managed, inline = wanted.take(
        "AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"
    )
    wanted.properties.setdefault("RoleName", wanted.name[:64])
    document = json.dumps(trust)
    made = call(iam, "create_role", wanted.properties, AssumeRolePolicyDocument=document)["Role"]
    name = made["RoleName"]
    undo = partial(_remove, iam, name)
    with undoing(undo):
        for arn in managed or []:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy in inline or []:
            document = json.dumps(policy["PolicyDocument"])
            named = {"RoleName": name, "PolicyName": policy["PolicyName"]}
            iam.put_role_policy(**named, PolicyDocument=document)
    return Made(name, {"Arn": made["Arn"], "RoleId": made["RoleId"]}, (undo,))


def _remove(iam: Any, name: str) -> None:
    """With its policies: a role that has some is not deleted."""
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


TABLE: dict[str, Make] = {"AWS::IAM::Role": role}
