"""Identifiers: whole and of the right kind, and told apart from what only begins like one."""

import json
import re
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from stepcanary.domain import identifiers
from stepcanary.domain.identifiers import Like, alb_name, alb_resource, lattice_id

ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
GOV = "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:123456789012:"
ISO = "arn:aws-iso-b:elasticloadbalancing:us-isob-east-1:123456789012:"
LATTICE = "arn:aws:vpc-lattice:eu-west-1:123456789012:"
SERVICE = "service/svc-0e7f4c1a2b3d5968f"
LISTENER = f"{SERVICE}/listener/listener-0b1c2d3e4f5a69788"
GOOD = {
    "AlbListener": [f"{ELB}listener/app/shop/50dc6c/f2f7", f"{GOV}listener/app/a-B-9/5/f"],
    "AlbRule": [
        f"{ELB}listener-rule/app/shop/50dc6c/f2f7/9683b",
        f"{ISO}listener-rule/app/shop/50dc6c/f2f7/9683b",
    ],
    "AlbTargetGroup": [f"{ELB}targetgroup/checkout/73e2", f"{GOV}targetgroup/{'a' * 32}/7"],
    "LatticeService": [
        "svc-0e7f4c1a2b3d5968f",
        f"{LATTICE}{SERVICE}",
        f"arn:aws-eusc:vpc-lattice:eusc-de-east-1:123456789012:{SERVICE}",
    ],
    "LatticeListener": ["listener-0b1c2d3e4f5a69788", f"{LATTICE}{LISTENER}"],
    "LatticeRule": ["rule-0a9b8c7d6e5f41302", f"{LATTICE}{LISTENER}/rule/rule-0a9b8c7d6e5f41302"],
    "LatticeTargetGroup": ["tg-0f9cb5af0bb75ab50", f"{LATTICE}targetgroup/tg-0f9cb5af0bb75ab50"],
}
OTHERS = {
    "a network load balancer's listener": f"{ELB}listener/net/shop/50dc6c/f2f7",
    "a network load balancer's rule": f"{ELB}listener-rule/net/shop/50dc6c/f2f7/9683b",
    "a load balancer": f"{ELB}loadbalancer/app/shop/50dc6c",
    "a target group with a long name": f"{ELB}targetgroup/{'a' * 33}/7",
    "an account too short": "arn:aws:elasticloadbalancing:eu-west-1:1234:targetgroup/a/7",
    "digits that are not ASCII": f"{ELB}targetgroup/a/7".replace("123456789012", "١" * 12),
    "a Lattice id too short": "svc-0e7f4c1a2b3d5968",
    "a Lattice id too long": "tg-0f9cb5af0bb75ab500",
    "a name": "checkout",
    "nothing": "",
}
KINDS = sorted(GOOD)


def like(kind: str) -> Like:
    found = get_args(getattr(identifiers, kind))[1]
    assert isinstance(found, Like)
    return found


def accepts(kind: str, value: str) -> bool:
    """As a model's field does, and as the JSON Schema of it promises to editors."""
    adapter: TypeAdapter[str] = TypeAdapter(getattr(identifiers, kind))
    try:
        taken = adapter.validate_json(json.dumps(value)) == value
    except ValidationError:
        taken = False
    promised = re.search(adapter.json_schema()["pattern"], value, re.ASCII) is not None
    assert promised == taken
    return taken


def test_every_kind_has_its_examples_here() -> None:
    kinds = vars(identifiers).items()
    marked = [name for name, kind in kinds if any(isinstance(m, Like) for m in get_args(kind))]
    assert sorted(marked) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_accepts_its_own_and_refuses_all_others(kind: str) -> None:
    for other, values in GOOD.items():
        for value in values:
            assert accepts(kind, value) == (other == kind), value


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_accepts_what_only_looks_like_one(kind: str, value: str) -> None:
    assert not accepts(kind, value)


@pytest.mark.parametrize("kind", KINDS)
def test_more_before_or_after_is_refused(kind: str) -> None:
    for value in GOOD[kind]:
        for wrong in (f"{value}\n ", f" {value}", f"{value}/", f"x{value}", f"{value},{value}"):
            assert not accepts(kind, wrong), wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_newline_after_it_is_refused(kind: str) -> None:
    for value in GOOD[kind]:
        with pytest.raises(ValueError, match="must be like"):
            like(kind).check(f"{value}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_that_an_error_shows_would_do(kind: str) -> None:
    with pytest.raises(ValueError, match="must be like") as wrong:
        like(kind).check("checkout")
    shown = str(wrong.value).removeprefix("must be like ").removesuffix(", or its ARN")
    assert like(kind).check(shown) == shown
    assert like(kind).check(like(kind).example) in str(wrong.value)


def test_an_arn_is_offered_only_where_an_id_would_do_too() -> None:
    offered = {kind for kind in KINDS if like(kind).otherwise}
    assert offered == {kind for kind in KINDS if not like(kind).example.startswith("arn:")}


@pytest.mark.parametrize(
    ("arn", "resource"),
    [
        (f"{ELB}targetgroup/checkout/73e2", "targetgroup/checkout/73e2"),
        (f"{GOV}listener/app/shop/50dc6c/f2f7", "listener/app/shop/50dc6c/f2f7"),
        (f"{ELB}listener/app/a:b/5/f", "listener/app/a:b/5/f"),
    ],
    ids=["a target group", "another partition", "a colon in the resource"],
)
def test_a_resource_is_all_that_follows_the_account(arn: str, resource: str) -> None:
    assert alb_resource(arn) == resource


@pytest.mark.parametrize("kind", ["AlbListener", "AlbRule"])
def test_a_listener_and_its_rules_are_of_one_load_balancer(kind: str) -> None:
    assert alb_name(GOOD[kind][0]) == "app/shop/50dc6c"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("Lattice")])
def test_an_id_and_its_arn_are_of_one_thing(kind: str) -> None:
    identifier, *arns = GOOD[kind]
    assert {lattice_id(arn) for arn in arns} == {lattice_id(identifier)} == {identifier}
