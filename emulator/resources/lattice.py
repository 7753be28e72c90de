"""VPC Lattice: service networks, services, listeners, rules and target groups."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call


def service_network(wanted: Wanted) -> Made:
    return _make(wanted, "service_network", "serviceNetworkIdentifier")


def service(wanted: Wanted) -> Made:
    made = _make(wanted, "service", "serviceIdentifier")
    found = wanted.client("vpc-lattice").get_service(serviceIdentifier=made.ref)
    entry = found["dnsEntry"]
    names = {"DnsEntry.DomainName": entry["domainName"]}
    if "hostedZoneId" in entry:
        names["DnsEntry.HostedZoneId"] = entry["hostedZoneId"]
    return Made(made.ref, {**made.attributes, **names}, made.undo)


def target_group(wanted: Wanted) -> Made:
    return _make(wanted, "target_group", "targetGroupIdentifier")


def listener(wanted: Wanted) -> Made:
    inside = {"serviceIdentifier": wanted.properties["ServiceIdentifier"]}
    return _make(wanted, "listener", "listenerIdentifier", **inside)


def rule(wanted: Wanted) -> Made:
    service, listener = (
        wanted.properties["ServiceIdentifier"],
        wanted.properties["ListenerIdentifier"],
    )
    inside = {"serviceIdentifier": service, "listenerIdentifier": listener}
    return _make(wanted, "rule", "ruleIdentifier", **inside)


def vpc_association(wanted: Wanted) -> Made:
    kind = "service_network_vpc_association"
    return _make(wanted, kind, "serviceNetworkVpcAssociationIdentifier", named=False)


def service_association(wanted: Wanted) -> Made:
    kind = "service_network_service_association"
    return _make(wanted, kind, "serviceNetworkServiceAssociationIdentifier", named=False)


def _make(wanted: Wanted, kind: str, identifier: str, *, named: bool = True, **inside: str) -> Made:
    lattice = wanted.client("vpc-lattice")
    if named:
        wanted.properties.setdefault("Name", wanted.name.lower()[:40])
    made = call(lattice, f"create_{kind}", wanted.properties)
    undo = partial(getattr(lattice, f"delete_{kind}"), **inside, **{identifier: made["id"]})
    return Made(made["arn"], {"Arn": made["arn"], "Id": made["id"]}, (undo,))


TABLE: dict[str, Make] = {
    "AWS::VpcLattice::ServiceNetwork": service_network,
    "AWS::VpcLattice::Service": service,
    "AWS::VpcLattice::TargetGroup": target_group,
    "AWS::VpcLattice::Listener": listener,
    "AWS::VpcLattice::Rule": rule,
    "AWS::VpcLattice::ServiceNetworkVpcAssociation": vpc_association,
    "AWS::VpcLattice::ServiceNetworkServiceAssociation": service_association,
}
