"""Meshes of App Mesh and all that is in one."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call

KINDS = {
    "AWS::AppMesh::Mesh": ("mesh", ()),
    "AWS::AppMesh::VirtualNode": ("virtualNode", ("meshName",)),
    "AWS::AppMesh::VirtualRouter": ("virtualRouter", ("meshName",)),
    "AWS::AppMesh::VirtualService": ("virtualService", ("meshName",)),
    "AWS::AppMesh::VirtualGateway": ("virtualGateway", ("meshName",)),
    "AWS::AppMesh::Route": ("route", ("meshName", "virtualRouterName")),
    "AWS::AppMesh::GatewayRoute": ("gatewayRoute", ("meshName", "virtualGatewayName")),
}
"""What each is called in the API, and the names of what it is in."""


def _make(kind: str, inside: tuple[str, ...], wanted: Wanted) -> Made:
    app_mesh = wanted.client("appmesh")
    name = f"{kind}Name"
    if name[0].upper() + name[1:] not in wanted.properties:
        wanted.properties[name] = wanted.name
    operation = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
    made = call(app_mesh, f"create_{operation}", wanted.properties)[kind]
    place = {key: made[key] for key in (*inside, name)}
    arn = made["metadata"]["arn"]
    attributes = {key[0].upper() + key[1:]: value for key, value in place.items()}
    undo = partial(getattr(app_mesh, f"delete_{operation}"), **place)
    return Made(arn, {**attributes, "Arn": arn, "Uid": made["metadata"]["uid"]}, (undo,))


TABLE: dict[str, Make] = {type: partial(_make, *place) for type, place in KINDS.items()}
