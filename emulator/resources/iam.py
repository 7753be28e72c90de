"""Roles. What they may do is kept and not enforced."""

import json
from functools import partial
from typing import Any

from emulator.resources.making import Made, Make, Wanted, call


def role(wanted: Wanted) -> Made:
    iam = wanted.client("iam")
    trust, managed, inline = wanted.take(
        "AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"
    )
    wanted.properties.setdefault("RoleName", wanted.name[:64])
    document = json.dumps(trust)
    made = call(iam, "create_role", wanted.properties, AssumeRolePolicyDocument=document)["Role"]
    name = made["RoleName"]
    undo = []
    for arn in managed or []:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        undo.append(partial[Any](iam.detach_role_policy, RoleName=name, PolicyArn=arn))
    for policy in inline or []:
        document = json.dumps(policy["PolicyDocument"])
        named = {"RoleName": name, "PolicyName": policy["PolicyName"]}
        iam.put_role_policy(**named, PolicyDocument=document)
        undo.append(partial[Any](iam.delete_role_policy, **named))
    attributes = {"Arn": made["Arn"], "RoleId": made["RoleId"]}
    return Made(name, attributes, (*undo, partial(iam.delete_role, RoleName=name)))


TABLE: dict[str, Make] = {"AWS::IAM::Role": role}
