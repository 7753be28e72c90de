"""Inputs of executions, from somebody who may start one and, in some, write a profile."""

from typing import Any

from emulator.account import ACCOUNT, REGION
from sandbox.slack import Document
from tests.builders import TRIGGERS, profile
from tests.fakes.accounts import ELSEWHERE, EXTERNAL_ID, IN_ANOTHER_ACCOUNT, ROLE
from tests.fakes.fronts import AlbCloud
from tests.policy.attacks.kinds import REGISTRY, Attack, Input

INLINE = profile(traffic=[AlbCloud.traffic])
"""Of whichever service it names."""
WITHOUT_INLINE = "AllowInlineProfiles"
NOT_IN_THE_STACK = "ImageRepositories"
FOREIGN = "attacker.example.com"
OWN = f"{REGISTRY}/shop"


def request(**more: Any) -> Document:
    return {"service": "checkout", **more}


def image(repository: str, container: str = "app") -> Document:
    return request(images={container: f"{repository}:v2"})


def ready(name: str) -> Document:
    return request(task_definitions={"primary": name, "canary": name})


def rejected(name: str, words: str, document: Any, **stored: Document) -> Attack:
    return Attack(name, "plan", Input(document, words, stored))


WITH_A_PROFILE: dict[str, Document] = {
    "release": {"images": {"app": f"{OWN}:v2"}},
    "shift": {"action": "shift", "weight": 0},
    "status": {"action": "status"},
}

BY_INPUT = [
    *(
        rejected(name, words, image(OWN), checkout={"account": account})
        for name, words, account in (
            (
                "another account's role, which the stack is not given",
                "ReleaseRoleArns",
                {"role_arn": f"arn:aws:iam::{ELSEWHERE}:role/admin", "external_id": EXTERNAL_ID},
            ),
            (
                "an administrator's role of the stack's own account",
                "ReleaseRoleArns",
                {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/admin", "external_id": EXTERNAL_ID},
            ),
            (
                "another team's role, with a guessed external id",
                "with this external_id",
                {"role_arn": ROLE, "external_id": "guessed"},
            ),
            (
                "another team's role, without an external id",
                "account.external_id: is missing",
                {"role_arn": ROLE},
            ),
        )
    ),
    rejected(
        "another account's role, in a profile in the input",
        WITHOUT_INLINE,
        request(images={"app": f"{OWN}:v2"}, profile={**INLINE, "account": IN_ANOTHER_ACCOUNT}),
    ),
    *(
        rejected(f"a profile in the input: {name}", WITHOUT_INLINE, request(profile=INLINE, **more))
        for name, more in WITH_A_PROFILE.items()
    ),
    *(
        rejected(f"an image {name}", NOT_IN_THE_STACK, image(repository))
        for name, repository in {
            "of the attacker's registry": f"{FOREIGN}/shop",
            "of Docker Hub": "shop",
            "of another account's registry": f"{ELSEWHERE}.dkr.ecr.{REGION}.amazonaws.com/shop",
            "of a registry whose name begins like ours": f"{REGISTRY}.{FOREIGN}/shop",
            "of a repository whose name begins like ours": f"{REGISTRY}/shop-of-the-attacker",
        }.items()
    ),
    rejected("an image for a sidecar", NOT_IN_THE_STACK, image(f"{FOREIGN}/envoy", "envoy")),
    rejected(
        "an image in a build's file, of a repository with the service's name",
        NOT_IN_THE_STACK,
        [{"name": "app", "imageUri": f"{FOREIGN}/shop:v2"}],
        checkout={"triggers": TRIGGERS},
    ),
    rejected("another team's image", "the service's repositories", image(f"{REGISTRY}/payments")),
    rejected("another team's task definition", "family", ready("payments:1")),
    *(
        rejected(
            f"a service that is called {name}",
            "service: must be like",
            image(OWN) | {"service": name},
        )
        for name in ("../payments/checkout", "checkout/../../payments", "_policy")
    ),
    rejected("an input that fills the execution", "over the limit", request(by="x" * 70_000)),
    rejected(
        "another team's services, in a profile of the attacker's",
        "ECS service",
        image(OWN) | {"service": "attacker"},
        attacker={},
    ),
]
