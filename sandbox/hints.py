"""Hints: the commands with which somebody looks at what the sandbox runs, ready to be pasted."""

import json

from sandbox.fronts.front import Json

ASK_ON = (
    'for each in 1 2 3 4 5; do while sleep 0.1; do curl -s -o /dev/null "$GATEWAY"; done & done'
)
"""The command that asks the service until its shell ends: often enough for alarms that want some
errors in a minute, which lasts a second here."""


def show_split(traffic: Json) -> str:
    """The AWS CLI's command that shows the weights of a profile's traffic."""
    match traffic:
        case {"router": "appmesh", "mesh": mesh, "virtual_router": router, "route": route}:
            return (
                f"aws appmesh describe-route --mesh-name {mesh} --virtual-router-name {router}"
                f" --route-name {route} --query 'route.spec.*[].action.weightedTargets[]'"
            )
        case {"router": "alb", "listener_rule": rule}:
            return (
                f"aws elbv2 describe-rules --rule-arns {rule}"
                " --query 'Rules[].Actions[].ForwardConfig.TargetGroups[]'"
            )
        case {"router": "alb", "listener": listener}:
            return (
                f"aws elbv2 describe-listeners --listener-arns {listener}"
                " --query 'Listeners[].DefaultActions[].ForwardConfig.TargetGroups[]'"
            )
        case {"router": "lattice", "service": service, "listener": listener, "rule": rule}:
            return (
                f"aws vpc-lattice get-rule --service-identifier {service}"
                f" --listener-identifier {listener} --rule-identifier {rule}"
                " --query 'action.forward.targetGroups[]'"
            )
        case {"router": "lattice", "service": service, "listener": listener}:
            return (
                f"aws vpc-lattice get-listener --service-identifier {service}"
                f" --listener-identifier {listener} --query 'defaultAction.forward.targetGroups[]'"
            )
    raise ValueError(f"no command shows the split of {traffic}")


def start_release(request: Json) -> str:
    return (
        'aws stepfunctions start-execution --state-machine-arn "$STATE_MACHINE"'
        f" --input '{json.dumps(request)}'"
    )
