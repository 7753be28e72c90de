"""IAM: what AWS decides about a request, given the policies that apply to it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html has the
logic, and `test_iam` has its examples. moto evaluates neither resources nor conditions. What no
policy of the stack needs (numbers, dates, addresses, NotPrincipal) raises `ValueError` here: a
condition that is not understood must not look like one that holds.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Policy = Mapping[str, Any]
Statement = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]
"""Of a request: values by condition key."""

_VARIABLE = re.compile(r"\$\{\s*(?P<key>[^},]+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?\}")
_WITH_VARIABLES = "2012-10-17"
"""Policies without this version are read literally."""
_ARN_PARTS = 6


class Decision(StrEnum):
    ALLOWED = "allowed"
    EXPLICITLY_DENIED = "explicitly denied"
    IMPLICITLY_DENIED = "implicitly denied"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the ARN of a role or a user, or the name of a service of AWS."""

    name: str

    @property
    def is_service(self) -> bool:
        return self.name.endswith(".amazonaws.com")

    @property
    def is_role(self) -> bool:
        return ":role/" in self.name

    @property
    def account(self) -> str:
        return "" if self.is_service else self.name.split(":")[4]


@dataclass(frozen=True, slots=True)
class Request:
    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def decide(
    request: Request,
    identity: Iterable[Policy] = (),
    *,
    principal: Principal | None = None,
    resource: Policy | None = None,
    boundary: Policy | None = None,
    owner: str = "",
) -> Decision:
    """What AWS answers: `identity` has the principal's policies, `resource` is the resource's.

    `owner` is the account of the resource, where it is not the principal's. A role's trust policy
    is the `resource` of sts:AssumeRole, which nobody may do without one that lets them.
    """
    theirs = list(identity)
    bounds = [] if boundary is None else [boundary]
    granted = _granted(request, resource, principal)
    if "Deny" in _effects(request, [*theirs, *bounds]) or "Deny" in granted.values():
        return Decision.EXPLICITLY_DENIED
    within = boundary is None or "Allow" in _effects(request, bounds)
    by_identity = within and "Allow" in _effects(request, theirs)
    by_name = granted.get("name") == "Allow"
    if by_name and principal is not None and principal.is_role:
        # A boundary limits what a role is granted by name, too, but not what a user is.
        by_name = within
    by_account = "Allow" in granted.values()
    if owner and principal is not None and not principal.is_service and principal.account != owner:
        allowed = by_identity and by_account
    elif request.action.lower() == "sts:assumerole":
        allowed = by_name or (by_identity and by_account)
    else:
        allowed = by_identity or by_name
    return Decision.ALLOWED if allowed else Decision.IMPLICITLY_DENIED


def _effects(request: Request, policies: Iterable[Policy]) -> set[str]:
    """Those of the statements that are about the request."""
    return {
        str(statement["Effect"])
        for policy in policies
        for statement in _list(policy["Statement"])
        if _applies(statement, policy, request)
    }


def _granted(
    request: Request, resource: Policy | None, principal: Principal | None
) -> dict[str, str]:
    """What the resource's policy says of the principal, by `name` and as one of its `account`."""
    found: dict[str, str] = {}
    for statement in _list(resource["Statement"]) if resource is not None else []:
        assert resource is not None
        how = _names(statement, principal)
        if how and _applies(statement, resource, request):
            effect = str(statement["Effect"])
            found[how] = "Deny" if "Deny" in (effect, found.get(how)) else effect
    return found


def _names(statement: Statement, principal: Principal | None) -> str | None:
    """How the statement names the principal: by `name`, by its `account` or not at all."""
    if "NotPrincipal" in statement:
        raise ValueError("NotPrincipal is not evaluated")
    named = statement["Principal"]
    if named == "*" or "*" in _list(named.get("AWS", [])):
        return "name"
    if principal is None:
        return None
    kind = "Service" if principal.is_service else "AWS"
    names = _list(named.get(kind, []))
    if principal.name in names:
        return "name"
    account = {principal.account, f"arn:aws:iam::{principal.account}:root"}
    return "account" if account & set(names) else None


def _applies(statement: Statement, policy: Policy, request: Request) -> bool:
    values = request.context if policy.get("Version") == _WITH_VARIABLES else None

    def is_action(pattern: str) -> bool:
        return bool(re.fullmatch(_wild(pattern), request.action, re.IGNORECASE))

    def is_resource(pattern: str) -> bool:
        return pattern == "*" or bool(_arn_like(pattern, request.resource, values))

    # A trust policy has no resource: it is about its role.
    anywhere = "Principal" in statement and not {"Resource", "NotResource"} & statement.keys()
    return (
        _listed(statement, "Action", is_action)
        and (anywhere or _listed(statement, "Resource", is_resource))
        and all(
            _holds(operator, key, _list(expected), request.context, values)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, expected in pairs.items()
        )
    )


def _listed(statement: Statement, element: str, matches: Callable[[str], bool]) -> bool:
    """Whether the element lists it, or its `Not…` does not."""
    if element in statement:
        return any(matches(pattern) for pattern in _list(statement[element]))
    return not any(matches(pattern) for pattern in _list(statement[f"Not{element}"]))


# Conditions. `values` are those that variables stand for, None where there are no variables.


def _holds(
    operator: str, key: str, expected: list[str], context: Context, values: Context | None
) -> bool:
    found = next((v for k, v in context.items() if k.lower() == key.lower()), [])
    actual = [found] if isinstance(found, str) else list(found)
    quantifier, _, operator = operator.rpartition(":")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator == "Null":
        return _same_truth("true" if not actual else "false", expected)
    compare, negated = _operator(operator)
    if quantifier:
        # An empty string is an empty set.
        actual = [value for value in actual if value]
    if not actual:
        if if_exists or quantifier:
            return if_exists or quantifier == "ForAllValues"
        return negated

    def matches(value: str) -> bool:
        answers = [compare(pattern, value, values) for pattern in expected]
        return not any(answers) and None not in answers if negated else any(answers)

    if quantifier == "ForAllValues":
        return all(matches(value) for value in actual)
    if quantifier == "ForAnyValue":
        return any(matches(value) for value in actual)
    if quantifier or len(actual) > 1:
        raise ValueError(f"{quantifier or 'no set operator'} for {len(actual)} values of {key}")
    return matches(actual[0])


Compare = Callable[[str, str, Context | None], bool | None]
"""None where the pattern has a variable that stands for nothing: then it neither is nor is not."""


def _operator(name: str) -> tuple[Compare, bool]:
    """How it compares, and whether it is the contrary."""
    negated = "Not" in name
    plain = name.replace("Not", "")
    if plain not in _OPERATORS:
        raise ValueError(f"the condition operator {name} is not evaluated")
    return _OPERATORS[plain], negated


def _arn_like(pattern: str, arn: str, values: Context | None) -> bool | None:
    """Each of the six parts is compared alone, so that no wildcard reaches into the next."""
    patterns, parts = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    if len(patterns) != len(parts):
        return False
    answers = [_string_like(*pair, values) for pair in zip(patterns, parts, strict=True)]
    return None if None in answers else all(answers)


def _string_like(pattern: str, value: str, values: Context | None) -> bool | None:
    return _fits(_glob(pattern, values, _wild), value)


def _string_equals(pattern: str, value: str, values: Context | None) -> bool | None:
    return _fits(_glob(pattern, values, re.escape), value)


def _string_equals_ignore_case(pattern: str, value: str, values: Context | None) -> bool | None:
    return _fits(_glob(pattern, values, re.escape), value, re.IGNORECASE)


def _same_truth(value: str, expected: Iterable[str | bool]) -> bool:
    return value.lower() in {str(each).lower() for each in expected}


_OPERATORS: dict[str, Compare] = {
    "StringEquals": _string_equals,
    "StringEqualsIgnoreCase": _string_equals_ignore_case,
    "StringLike": _string_like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda pattern, value, _values: _same_truth(value, [pattern]),
}


def _fits(expression: str | None, value: str, flags: re.RegexFlag = re.NOFLAG) -> bool | None:
    return None if expression is None else bool(re.fullmatch(expression, value, re.DOTALL | flags))


def _glob(pattern: str, values: Context | None, literally: Callable[[str], str]) -> str | None:
    """As a regular expression, with what its variables stand for."""
    if values is None:
        return literally(pattern)
    made, end = "", 0
    for variable in _VARIABLE.finditer(pattern):
        made += literally(pattern[end : variable.start()])
        end = variable.end()
        key = variable["key"]
        if key in "*?$":
            made += re.escape(key)
            continue
        found = next((v for k, v in values.items() if k.lower() == key.lower()), None)
        stands_for = found if isinstance(found, str) else variable["default"]
        if stands_for is None:
            return None
        made += re.escape(stands_for)
    return made + literally(pattern[end:])


def _wild(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
