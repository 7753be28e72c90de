"""Envoy's configuration: the pieces that more than one module writes."""

import re

from sandbox.fronts.front import Json

UNLIMITED = 2**31 - 1
FILTERS = "type.googleapis.com/envoy.extensions.filters"
LOGGERS = "type.googleapis.com/envoy.extensions.access_loggers"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# Only a refused connection, which reached no application, is tried again.
REFUSED_ONLY = {"retry_on": "connect-failure", "num_retries": 2}


def address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def load_assignment(name: str, endpoints: list[tuple[str, int]]) -> Json:
    return {
        "cluster_name": name,
        "endpoints": [
            {
                "lb_endpoints": [
                    {
                        "endpoint": {
                            "address": {"socket_address": {"address": host, "port_value": port}}
                        }
                    }
                    for host, port in endpoints
                ]
            }
        ],
    }


def weighted(weights: dict[str, int], **more: object) -> Json:
    """A route's action by cluster; what has no weight at all is answered with 503."""
    clusters = [{"name": name, "weight": weight} for name, weight in weights.items() if weight > 0]
    if not clusters:
        return {"direct_response": {"status": 503}}
    return {"route": {"weighted_clusters": {"clusters": clusters}, **more}}


def equals(name: str, value: str) -> Json:
    """A header that must have this value; `:method` and `:authority` are headers too."""
    return {"name": name, "string_match": {"exact": value}}


def authority(host: str) -> Json:
    """A host that must have been asked for, on whatever port."""
    regex = rf"{re.escape(host)}(:\d+)?"
    return {"name": ":authority", "string_match": {"safe_regex": {"regex": regex}}}


def pattern(glob: str) -> str:
    """A regular expression for AWS's `*` and `?`."""
    kinds = {"*": ".*", "?": "."}
    return "".join(kinds.get(character) or re.escape(character) for character in glob)
