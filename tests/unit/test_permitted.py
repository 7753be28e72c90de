"""What a release may use, and the parameter that would allow the rest."""

from typing import Any

import pytest

from stepcanary.domain import permitted
from stepcanary.domain.account import Account
from stepcanary.domain.settings import StackSettings
from stepcanary.errors import RequestRejected

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def stack(**allowed: Any) -> StackSettings:
    return StackSettings(profile_prefix="/p", **allowed)


def definition(**images: str) -> dict[str, Any]:
    containers = [{"name": name, "image": image} for name, image in images.items()]
    return {"family": "shop", "containerDefinitions": containers}


def test_a_cluster_that_is_not_listed_is_refused() -> None:
    permitted.check_cluster(stack(clusters=["arn:*:cluster/shop"]), "arn:aws:ecs:cluster/shop")
    with pytest.raises(RequestRejected, match="ClusterArns"):
        permitted.check_cluster(stack(), "arn:aws:ecs:cluster/shop")


def test_a_role_of_another_account_that_is_not_listed_is_refused() -> None:
    account = Account(role_arn="arn:aws:iam::999988887777:role/shop", external_id="shop-1")
    permitted.check_account(stack(), None)
    permitted.check_account(stack(release_roles=["arn:aws:iam::999988887777:role/s*"]), account)
    for listed in ([], ["arn:aws:iam::999988887777:role/sho"], ["arn:aws:iam::1*:role/shop"]):
        with pytest.raises(RequestRejected, match="ReleaseRoleArns"):
            permitted.check_account(stack(release_roles=listed), account)


@pytest.mark.parametrize("role", ["arn:aws:iam::123456789012:role/shop", "shop"])
@pytest.mark.parametrize("key", ["taskRoleArn", "executionRoleArn"])
def test_a_role_that_may_not_be_passed_is_refused(key: str, role: str) -> None:
    document = {**definition(), key: role}
    own = stack(task_roles=["arn:aws:iam::123456789012:role/shop"])
    permitted.check_roles(own, "primary", document)
    with pytest.raises(RequestRejected, match=rf"{key}.*TaskRoleArns"):
        permitted.check_roles(stack(task_roles=["arn:*:role/cart"]), "primary", document)


def test_a_task_definition_without_roles_needs_none() -> None:
    permitted.check_roles(stack(), "primary", definition())


def test_a_task_definition_of_another_family_is_refused() -> None:
    permitted.check_families("shop", "primary", ["shop", "shop-canary"])
    with pytest.raises(RequestRejected, match="admin is no family of this service"):
        permitted.check_families("admin", "primary", ["shop", "shop-canary"])


def check(after: str, *, allowed: list[str], of_profile: list[str] = []) -> None:  # noqa: B006
    before = definition(app=f"{ECR}/shop:v1", envoy="public.ecr.aws/envoy:1")
    after_all = definition(app=after, envoy="public.ecr.aws/envoy:1")
    permitted.check_images(stack(repositories=allowed), of_profile, before, after_all)


DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize("tag", [":v2", DIGEST, f":v2{DIGEST}"])
def test_an_image_comes_from_where_its_container_has_its_image(tag: str) -> None:
    check(f"{ECR}/shop{tag}", allowed=[f"{ECR}/*"])
    with pytest.raises(RequestRejected, match="none of the service's repositories"):
        check(f"{ECR}/cart{tag}", allowed=[f"{ECR}/*"])


def test_a_profile_names_other_repositories() -> None:
    check(f"{ECR}/shop-next:v2", allowed=["*"], of_profile=[f"{ECR}/shop-*"])
    with pytest.raises(RequestRejected, match="`repositories`"):
        check(f"{ECR}/shop:v2", allowed=["*"], of_profile=[f"{ECR}/shop-*"])


def test_a_repository_that_the_stack_does_not_list_is_refused() -> None:
    with pytest.raises(RequestRejected, match="ImageRepositories"):
        check("attacker.example.com/shop:v2", allowed=[f"{ECR}/*"], of_profile=["*"])


def test_what_a_release_does_not_change_needs_no_repository() -> None:
    check(f"{ECR}/shop:v1", allowed=[])


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("localhost:5000/shop:v2", "localhost:5000/shop"),
        ("shop", "shop"),
        (f"shop{DIGEST}", "shop"),
    ],
)
def test_a_port_is_no_tag(image: str, repository: str) -> None:
    assert permitted.repository_of(image) == repository


def test_a_resource_without_its_tag_is_named() -> None:
    permitted.check_tags("traffic", "listener rule x", {("stepcanary", "managed")})
    with pytest.raises(RequestRejected, match="traffic: listener rule x lacks the tag"):
        permitted.check_tags("traffic", "listener rule x", {("stepcanary", "no")})
