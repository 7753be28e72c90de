"""Scalable targets and their policies."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call

PLACE = ("ResourceId", "ScalableDimension", "ServiceNamespace")
"""What a scalable target is known by, in the order in which its `Ref` has it."""


def scalable_target(wanted: Wanted) -> Made:
    scaling = wanted.client("application-autoscaling")
    call(scaling, "register_scalable_target", wanted.properties)
    place = {name: wanted.properties[name] for name in PLACE}
    id = "|".join(place.values())
    return Made(id, {"Id": id}, (partial(scaling.deregister_scalable_target, **place),))


def scaling_policy(wanted: Wanted) -> Made:
    scaling = wanted.client("application-autoscaling")
    (target,) = wanted.take("ScalingTargetId")
    if target:
        wanted.properties.update(zip(PLACE, target.split("|"), strict=True))
    arn = call(scaling, "put_scaling_policy", wanted.properties)["PolicyARN"]
    place = {name: wanted.properties[name] for name in (*PLACE, "PolicyName")}
    return Made(arn, {"Arn": arn}, (partial(scaling.delete_scaling_policy, **place),))


TABLE: dict[str, Make] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_policy,
}
