"""VPC Lattice: the action of a listener's rule, how it is answered, and which is refused."""

import copy
from collections.abc import Collection
from typing import Any

Json = dict[str, Any]


def refusal(action: Json, known: Collection[str]) -> tuple[str, str] | None:
    """The code and the message with which Lattice refuses an action that its model allows."""
    if "fixedResponse" in action:
        wrong = action["fixedResponse"]["statusCode"] not in (404, 500)
        return ("ValidationException", "statusCode must be 404 or 500") if wrong else None
    weights = weights_of(action)
    if len(weights) < len(action["forward"]["targetGroups"]):
        return "ValidationException", "a target group is given twice"
    gone = [id for id in weights if id not in known]
    return ("ResourceNotFoundException", f"Target group {gone[0]} not found") if gone else None


def stored(action: Json) -> Json:
    """The action as Lattice answers it: groups by id, with their weights.

    Nobody promises the order, so it is not the one that was sent.
    """
    if "fixedResponse" in action:
        return copy.deepcopy(action)
    weights = weights_of(action)
    given = {id_of(g["targetGroupIdentifier"]): g for g in action["forward"]["targetGroups"]}
    groups = [
        {**copy.deepcopy(given[id]), "targetGroupIdentifier": id, "weight": weights[id]}
        for id in sorted(weights)
    ]
    return {**action, "forward": {**action["forward"], "targetGroups": groups}}


def weights_of(action: Json) -> dict[str, int]:
    """By the target group's id; a group that says no weight has Lattice's own."""
    groups = action["forward"]["targetGroups"]
    default = 100 if len(groups) == 1 else 1
    return {id_of(g["targetGroupIdentifier"]): g.get("weight", default) for g in groups}


def id_of(identifier: str) -> str:
    """The id in an identifier, which is an id or an ARN."""
    return identifier.rpartition("/")[2]
