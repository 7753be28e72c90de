"""Namespaces and services of Cloud Map."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call


def private_namespace(wanted: Wanted) -> Made:
    cloud_map = wanted.client("servicediscovery")
    operation = call(cloud_map, "create_private_dns_namespace", wanted.properties)["OperationId"]
    done = cloud_map.get_operation(OperationId=operation)["Operation"]
    id = done["Targets"]["NAMESPACE"]
    arn = cloud_map.get_namespace(Id=id)["Namespace"]["Arn"]
    return Made(id, {"Id": id, "Arn": arn}, (partial(cloud_map.delete_namespace, Id=id),))


def service(wanted: Wanted) -> Made:
    cloud_map = wanted.client("servicediscovery")
    if namespace := wanted.properties.get("DnsConfig", {}).pop("NamespaceId", None):
        # Where it was before it had a place of its own, which CloudFormation still takes.
        wanted.properties["NamespaceId"] = namespace
    made = call(cloud_map, "create_service", wanted.properties)["Service"]
    id = made["Id"]
    attributes = {"Id": id, "Arn": made["Arn"], "Name": made["Name"]}
    return Made(id, attributes, (partial(cloud_map.delete_service, Id=id),))


def instance(wanted: Wanted) -> Made:
    cloud_map = wanted.client("servicediscovery")
    attributes, id = wanted.take("InstanceAttributes", "InstanceId")
    id = id or wanted.name
    place = {"ServiceId": wanted.properties["ServiceId"], "InstanceId": id}
    call(
        cloud_map,
        "register_instance",
        wanted.properties,
        InstanceId=id,
        Attributes=attributes or {},
    )
    return Made(id, {}, (partial(cloud_map.deregister_instance, **place),))


TABLE: dict[str, Make] = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace": private_namespace,
    "AWS::ServiceDiscovery::Service": service,
    "AWS::ServiceDiscovery::Instance": instance,
}
