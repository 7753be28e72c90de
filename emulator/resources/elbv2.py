"""Load balancers, with listeners, rules and target groups."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call, undoing


def load_balancer(wanted: Wanted) -> Made:
    elb = wanted.client("elbv2")
    (attributes,) = wanted.take("LoadBalancerAttributes")
    wanted.properties.setdefault("Name", wanted.name[:32].strip("-"))
    made = call(elb, "create_load_balancer", wanted.properties)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    undo = partial(elb.delete_load_balancer, LoadBalancerArn=arn)
    with undoing(undo):
        if attributes:
            elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    answers = {
        "LoadBalancerArn": arn,
        "LoadBalancerName": made["LoadBalancerName"],
        "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
        "DNSName": made["DNSName"],
        "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
    }
    return Made(arn, answers, (undo,))


def target_group(wanted: Wanted) -> Made:
    elb = wanted.client("elbv2")
    (attributes,) = wanted.take("TargetGroupAttributes")
    wanted.properties.setdefault("Name", wanted.name[:32].strip("-"))
    made = call(elb, "create_target_group", wanted.properties)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    undo = partial(elb.delete_target_group, TargetGroupArn=arn)
    with undoing(undo):
        if attributes:
            elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    answers = {
        "TargetGroupArn": arn,
        "TargetGroupName": made["TargetGroupName"],
        "TargetGroupFullName": arn.rpartition(":")[2],
    }
    return Made(arn, answers, (undo,))


def listener(wanted: Wanted) -> Made:
    elb = wanted.client("elbv2")
    arn = call(elb, "create_listener", wanted.properties)["Listeners"][0]["ListenerArn"]
    return Made(arn, {"ListenerArn": arn}, (partial(elb.delete_listener, ListenerArn=arn),))


def listener_rule(wanted: Wanted) -> Made:
    elb = wanted.client("elbv2")
    arn = call(elb, "create_rule", wanted.properties)["Rules"][0]["RuleArn"]
    return Made(arn, {"RuleArn": arn}, (partial(elb.delete_rule, RuleArn=arn),))


TABLE: dict[str, Make] = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": target_group,
    "AWS::ElasticLoadBalancingV2::Listener": listener,
    "AWS::ElasticLoadBalancingV2::ListenerRule": listener_rule,
}
