"""Elastic Load Balancing: the actions of a listener's rule, and which of them it refuses."""

from collections.abc import Collection
from typing import Any

Json = dict[str, Any]

MOST_GROUPS = 5
MOST_WEIGHT = 999
LAST = ("forward", "redirect", "fixed-response")


def groups_of(action: Json) -> list[tuple[str, int]]:
    """ARN and weight of each group of a forward action, in whichever form it is."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups")
    if not groups:
        return [(action["TargetGroupArn"], 1)] if "TargetGroupArn" in action else []
    return [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]


def refusal(actions: list[Json], known: Collection[str]) -> tuple[str, str] | None:
    """The code and the message with which AWS refuses a list of actions; None if it takes them."""
    orders = [action.get("Order") for action in actions]
    if len(actions) > 1 and (None in orders or len(set(orders)) < len(orders)):
        return "ValidationError", "each of several actions needs an Order of its own"
    in_order = sorted(actions, key=lambda action: int(action.get("Order", 0)))
    ends = [action["Type"] in LAST for action in in_order]
    if not ends or not ends[-1] or any(ends[:-1]):
        return "InvalidLoadBalancerAction", "one action must end the list, and only one"
    forwards = [action for action in actions if action["Type"] == "forward"]
    return next((r for action in forwards if (r := _forward_refusal(action, known))), None)


def _forward_refusal(action: Json, known: Collection[str]) -> tuple[str, str] | None:
    given = groups_of(action)
    arns = [arn for arn, _ in given]
    stickiness = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
    enabled = str(stickiness.get("Enabled", False)).lower() == "true"
    if action.get("TargetGroupArn") and arns != [action["TargetGroupArn"]]:
        return "ValidationError", "TargetGroupArn and ForwardConfig must agree"
    if not 0 < len(arns) <= MOST_GROUPS or len(set(arns)) < len(arns):
        return "ValidationError", f"1 to {MOST_GROUPS} target groups, each once"
    if not all(0 <= weight <= MOST_WEIGHT for _, weight in given):
        return "ValidationError", f"Weight must be within 0..{MOST_WEIGHT}"
    if enabled and not 1 <= int(stickiness.get("DurationSeconds", 0)) <= 604_800:
        return "ValidationError", "DurationSeconds must be within 1..604800"
    gone = [arn for arn in arns if arn not in known]
    if gone:
        return "TargetGroupNotFound", f"Target groups '{gone[0]}' not found"
    return None
