"""Identifiers: the ARNs and ids that a profile names AWS's things by."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Like:
    """Marks a string that must match; the error shows one that would do, not the pattern."""

    pattern: str
    example: str
    otherwise: str = ""

    def check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value, re.ASCII):
            raise ValueError(f"must be like {self.example}{self.otherwise}")
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$", "examples": [self.example]}


_ELB = r"arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:"
_ELB_EXAMPLE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
_APP = r"app/[A-Za-z0-9-]{1,32}/[0-9a-z]+"
_APP_EXAMPLE = "app/shop/50dc6c495c0c9188"

AlbListener = Annotated[
    str,
    Like(
        f"{_ELB}listener/{_APP}/[0-9a-z]+",
        f"{_ELB_EXAMPLE}listener/{_APP_EXAMPLE}/f2f7dc8efc522ab2",
    ),
]
AlbRule = Annotated[
    str,
    Like(
        f"{_ELB}listener-rule/{_APP}/[0-9a-z]+/[0-9a-z]+",
        f"{_ELB_EXAMPLE}listener-rule/{_APP_EXAMPLE}/f2f7dc8efc522ab2/9683b2d02a6cabee",
    ),
]
AlbTargetGroup = Annotated[
    str,
    Like(
        f"{_ELB}targetgroup/[A-Za-z0-9-]{{1,32}}/[0-9a-z]+",
        f"{_ELB_EXAMPLE}targetgroup/checkout/73e2d6bc24d8a067",
    ),
]


def alb_resource(arn: str) -> str:
    """What follows the account: `listener/app/…`, or `targetgroup/…` as CloudWatch names it."""
    return arn.split(":", 5)[5]


def alb_name(arn: str) -> str:
    """`app/name/id` of the load balancer that a listener or a rule belongs to."""
    return "/".join(alb_resource(arn).split("/")[1:4])


_LATTICE = r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:"
_OR_ARN = ", or its ARN"
_LATTICE_ID = "[0-9a-z]{17}"
_SERVICE = f"service/svc-{_LATTICE_ID}"
_LISTENER = f"{_SERVICE}/listener/listener-{_LATTICE_ID}"

LatticeService = Annotated[
    str, Like(f"svc-{_LATTICE_ID}|{_LATTICE}{_SERVICE}", "svc-0e7f4c1a2b3d5968f", _OR_ARN)
]
LatticeListener = Annotated[
    str,
    Like(f"listener-{_LATTICE_ID}|{_LATTICE}{_LISTENER}", "listener-0b1c2d3e4f5a69788", _OR_ARN),
]
LatticeRule = Annotated[
    str,
    Like(
        f"rule-{_LATTICE_ID}|{_LATTICE}{_LISTENER}/rule/rule-{_LATTICE_ID}",
        "rule-0a9b8c7d6e5f41302",
        _OR_ARN,
    ),
]
LatticeTargetGroup = Annotated[
    str,
    Like(
        f"tg-{_LATTICE_ID}|{_LATTICE}targetgroup/tg-{_LATTICE_ID}",
        "tg-0f9cb5af0bb75ab50",
        _OR_ARN,
    ),
]


def lattice_id(identifier: str) -> str:
    """The id, of an id or an ARN."""
    return identifier.rpartition("/")[2]
