"""App Mesh: virtual services, and times that any SDK can read."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.appmesh.models import AppMeshBackend
from moto.appmesh.responses import AppMeshResponse
from moto.appmesh.urls import url_paths
from moto.core.exceptions import JsonRESTError

Json = dict[str, Any]

PATH = "{0}/v20190125/meshes/(?P<meshName>[^/]+)/virtualServices"
PATHS = (PATH + "$", PATH + "/(?P<virtualServiceName>[^/]+)$")


class NotFound(JsonRESTError):
    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("NotFoundException", message)


TIMES = {"createdAt", "lastUpdatedAt"}


def _with_numbers(body: Any) -> Any:
    """An answer with its times as seconds since 1970."""
    if isinstance(body, list):
        return [_with_numbers(each) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        name: datetime.strptime(value, "%d/%m/%Y, %H:%M:%S").timestamp()  # noqa: DTZ007
        if name in TIMES and isinstance(value, str)
        else _with_numbers(value)
        for name, value in body.items()
    }


def _call_action() -> Any:
    """AWS: times are numbers, as JSON's protocol has them. moto: local time in words, which boto3
    reads and others do not."""
    call_action = AppMeshResponse.call_action

    def call_action_with_numbers(self: AppMeshResponse) -> Any:
        status, headers, body = call_action(self)
        return status, headers, json.dumps(_with_numbers(json.loads(body))) if body else body

    return call_action_with_numbers


@contextmanager
def filled() -> Iterator[None]:
    """AWS: a mesh has virtual services. moto: lacks their calls."""
    create_node = AppMeshResponse.create_virtual_node

    def services(response: AppMeshResponse) -> dict[str, Json]:
        name = response._get_param("meshName")
        backend = response.appmesh_backend
        backend._validate_mesh(name, response._get_param("meshOwner"))
        return virtual_services(backend, name)

    def find(response: AppMeshResponse) -> Json:
        name = response._get_param("virtualServiceName")
        try:
            return services(response)[name]
        except KeyError:
            raise NotFound(f"There is no virtual service named {name}") from None

    def create_virtual_service(self: AppMeshResponse) -> str:
        body = json.loads(self.body)
        mesh, name = self._get_param("meshName"), body["virtualServiceName"]
        now = time.time()
        service = {
            "meshName": mesh,
            "virtualServiceName": name,
            "spec": body.get("spec") or {},
            "status": {"status": "ACTIVE"},
            "metadata": {
                "arn": f"arn:aws:appmesh:{self.region}:{self.current_account}"
                f":mesh/{mesh}/virtualService/{name}",
                "createdAt": now,
                "lastUpdatedAt": now,
                "meshOwner": self.current_account,
                "resourceOwner": self.current_account,
                "uid": str(uuid4()),
                "version": 1,
            },
        }
        services(self)[name] = service
        return json.dumps(service)

    def describe_virtual_service(self: AppMeshResponse) -> str:
        return json.dumps(find(self))

    def update_virtual_service(self: AppMeshResponse) -> str:
        service = find(self)
        service["spec"] = json.loads(self.body)["spec"]
        service["metadata"]["version"] += 1
        service["metadata"]["lastUpdatedAt"] = time.time()
        return json.dumps(service)

    def delete_virtual_service(self: AppMeshResponse) -> str:
        service = find(self)
        del services(self)[service["virtualServiceName"]]
        return json.dumps({**service, "status": {"status": "DELETED"}})

    def list_virtual_services(self: AppMeshResponse) -> str:
        refs = [
            {
                "meshName": service["meshName"],
                "virtualServiceName": service["virtualServiceName"],
                **{k: v for k, v in service["metadata"].items() if k != "uid"},
            }
            for service in services(self).values()
        ]
        return json.dumps({"virtualServices": refs})

    def create_virtual_node(self: AppMeshResponse) -> str:
        """AWS: a node may choose among the instances of its Cloud Map service by attributes.

        moto: demands that it does.
        """
        body = json.loads(self.body)
        discovery = (body.get("spec") or {}).get("serviceDiscovery") or {}
        if "awsCloudMap" in discovery:
            discovery["awsCloudMap"].setdefault("attributes", [])
            self.body = json.dumps(body)
        return create_node(self)

    with (
        patch.multiple(
            AppMeshResponse,
            create=True,
            call_action=_call_action(),
            create_virtual_service=create_virtual_service,
            describe_virtual_service=describe_virtual_service,
            update_virtual_service=update_virtual_service,
            delete_virtual_service=delete_virtual_service,
            list_virtual_services=list_virtual_services,
        ),
        patch.object(AppMeshResponse, "create_virtual_node", create_virtual_node),
        patch.dict(url_paths, dict.fromkeys(PATHS, AppMeshResponse.dispatch)),
    ):
        yield


def virtual_services(backend: AppMeshBackend, mesh: str) -> dict[str, Json]:
    """The virtual services of a mesh, by name."""
    found: dict[str, Json] = backend.meshes[mesh].__dict__.setdefault("virtual_services", {})
    return found
