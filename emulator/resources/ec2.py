"""Networks: a VPC, what is in it, and who may speak to whom."""

from functools import partial

from emulator.resources.making import Json, Made, Make, Wanted, call, undoing

GROUPS = {
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
}
"""Whom a rule of a security group names, and how the API does."""


def vpc(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    tags, *switches = wanted.take("Tags", "EnableDnsSupport", "EnableDnsHostnames")
    id = call(ec2, "create_vpc", wanted.properties, **_tagged("vpc", tags))["Vpc"]["VpcId"]
    undo = partial(ec2.delete_vpc, VpcId=id)
    with undoing(undo):
        for name, value in zip(("EnableDnsSupport", "EnableDnsHostnames"), switches, strict=True):
            if value is not None:
                ec2.modify_vpc_attribute(VpcId=id, **{name: {"Value": value}})
    described = ec2.describe_vpcs(VpcIds=[id])["Vpcs"][0]
    attributes = {"VpcId": id, "CidrBlock": described["CidrBlock"]}
    return Made(id, attributes, (undo,))


def subnet(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    tags, public = wanted.take("Tags", "MapPublicIpOnLaunch")
    made = call(ec2, "create_subnet", wanted.properties, **_tagged("subnet", tags))["Subnet"]
    id = made["SubnetId"]
    undo = partial(ec2.delete_subnet, SubnetId=id)
    with undoing(undo):
        if public is not None:
            ec2.modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": public})
    attributes = {"SubnetId": id, "AvailabilityZone": made["AvailabilityZone"]}
    return Made(id, attributes, (undo,))


def internet_gateway(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    (tags,) = wanted.take("Tags")
    tagged = _tagged("internet-gateway", tags)
    made = call(ec2, "create_internet_gateway", wanted.properties, **tagged)["InternetGateway"]
    id = made["InternetGatewayId"]
    return Made(
        id, {"InternetGatewayId": id}, (partial(ec2.delete_internet_gateway, InternetGatewayId=id),)
    )


def gateway_attachment(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    call(ec2, "attach_internet_gateway", wanted.properties)
    place = {name: wanted.properties[name] for name in ("InternetGatewayId", "VpcId")}
    return Made(wanted.name, {}, (partial(ec2.detach_internet_gateway, **place),))


def route_table(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    (tags,) = wanted.take("Tags")
    tagged = _tagged("route-table", tags)
    made = call(ec2, "create_route_table", wanted.properties, **tagged)["RouteTable"]
    id = made["RouteTableId"]
    return Made(id, {"RouteTableId": id}, (partial(ec2.delete_route_table, RouteTableId=id),))


def route(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    call(ec2, "create_route", wanted.properties)
    place = {name: wanted.properties[name] for name in ("RouteTableId", "DestinationCidrBlock")}
    return Made(wanted.name, {}, (partial(ec2.delete_route, **place),))


def table_association(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    id = call(ec2, "associate_route_table", wanted.properties)["AssociationId"]
    return Made(id, {"Id": id}, (partial(ec2.disassociate_route_table, AssociationId=id),))


def security_group(wanted: Wanted) -> Made:
    ec2 = wanted.client("ec2")
    tags, ingress, egress, description, name = wanted.take(
        "Tags", "SecurityGroupIngress", "SecurityGroupEgress", "GroupDescription", "GroupName"
    )
    named = {"GroupName": name or wanted.name, "Description": description}
    tagged = _tagged("security-group", tags)
    id = call(ec2, "create_security_group", wanted.properties, **named, **tagged)["GroupId"]
    undo = partial(ec2.delete_security_group, GroupId=id)
    with undoing(undo):
        if ingress:
            rules = [_rule(rule) for rule in ingress]
            ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=rules)
        if egress:
            # A group that says what may go out does not let out everything.
            every = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
            ec2.revoke_security_group_egress(GroupId=id, IpPermissions=every["IpPermissionsEgress"])
            rules = [_rule(rule) for rule in egress]
            ec2.authorize_security_group_egress(GroupId=id, IpPermissions=rules)
    return Made(id, {"GroupId": id}, (undo,))


def ingress(wanted: Wanted) -> Made:
    """A rule of its own: two groups that name each other could not be made otherwise."""
    ec2 = wanted.client("ec2")
    (group,) = wanted.take("GroupId")
    rule = {"GroupId": group, "IpPermissions": [_rule(wanted.properties)]}
    ec2.authorize_security_group_ingress(**rule)
    return Made(wanted.name, {}, (partial(ec2.revoke_security_group_ingress, **rule),))


def _rule(rule: Json) -> Json:
    described = {k: v for k, v in rule.items() if k == "Description"}
    ports = {k: int(v) for k, v in rule.items() if k in ("FromPort", "ToPort")}
    named = rule.keys() - described.keys() - ports.keys() - {"IpProtocol"}
    permission: Json = {"IpProtocol": str(rule["IpProtocol"]), **ports}
    for name in named:
        # What is not in the table is refused by the API's own model.
        kind, key = GROUPS.get(name, (name, name))
        permission[kind] = [{key: rule[name], **described}]
    return permission


def _tagged(kind: str, tags: list[Json] | None) -> Json:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


TABLE: dict[str, Make] = {
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::Subnet": subnet,
    "AWS::EC2::InternetGateway": internet_gateway,
    "AWS::EC2::VPCGatewayAttachment": gateway_attachment,
    "AWS::EC2::RouteTable": route_table,
    "AWS::EC2::Route": route,
    "AWS::EC2::SubnetRouteTableAssociation": table_association,
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::EC2::SecurityGroupIngress": ingress,
}
