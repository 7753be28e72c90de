"""App Mesh's routes as Envoy's: in their order, with matches, weights, time-outs and retries."""

from sandbox.envoy import REFUSED_ONLY, equals, weighted
from sandbox.fronts.front import Json

RETRY_EVENTS = {
    "server-error": "5xx",
    "gateway-error": "gateway-error",
    "client-error": "retriable-4xx",
    "stream-error": "refused-stream",
    "connection-error": "connect-failure",
}


def by_priority(specs: list[Json]) -> list[Json]:
    """App Mesh order: the lowest priority first, then those without; then the longest prefix."""

    def key(spec: Json) -> tuple[int, int]:
        route: Json = next((v for k, v in spec.items() if k.endswith("Route")), {})
        prefix = (route.get("match") or {}).get("prefix") or ""
        return spec.get("priority", 1001), -len(prefix)

    return sorted(specs, key=key)


def weights_of(action: Json) -> dict[str, int]:
    return {target["virtualNode"]: target["weight"] for target in action["weightedTargets"]}


def tcp_action(route: Json) -> Json:
    action: Json = weighted(weights_of(route["action"])).get("route", {"cluster": "-"})
    if idle := (route.get("timeout") or {}).get("idle"):
        action["idle_timeout"] = duration(idle)
    return action


def http_route(entry: Json, spec: Json) -> Json:
    route = spec.get("httpRoute") or spec.get("http2Route") or spec["grpcRoute"]
    outer, inner = entry.get("match") or {}, route.get("match") or {}
    match = path_match(inner)
    rewrite = None
    prefix = (outer.get("prefix") or "/").rstrip("/")
    if prefix and "prefix" in match:
        # A gateway route replaces its own prefix by "/" before the router sees the path.
        rewrite, match["prefix"] = match["prefix"], prefix + match["prefix"]
    headers = [header_match(h) for m in (outer, inner) for h in m.get("headers") or []]
    headers += [header_match(h) for h in inner.get("metadata") or []]
    headers += [equals(":method", m["method"]) for m in (outer, inner) if m.get("method")]
    if hostname := outer.get("hostname"):
        headers.append({"name": ":authority", "string_match": string_match(hostname)})
    parameters = [
        {"name": p["name"], "string_match": {"exact": p["match"]["exact"]}}
        if p.get("match")
        else {"name": p["name"], "present_match": True}
        for m in (outer, inner)
        for p in m.get("queryParameters") or []
    ]
    match.update({"headers": headers, "query_parameters": parameters})
    action: Json = {"retry_policy": retry_policy(route.get("retryPolicy"))}
    timeout = route.get("timeout") or {}
    if per_request := timeout.get("perRequest"):
        action["timeout"] = duration(per_request)
    if idle := timeout.get("idle"):
        action["idle_timeout"] = duration(idle)
    if rewrite is not None:
        action["prefix_rewrite"] = rewrite
    return {"match": match, **weighted(weights_of(route["action"]), **action)}


def path_match(match: Json) -> Json:
    if service := match.get("serviceName"):
        method = match.get("methodName")
        return {"path": f"/{service}/{method}"} if method else {"prefix": f"/{service}/"}
    path = match.get("path") or {}
    if path.get("exact"):
        return {"path": path["exact"]}
    if path.get("regex"):
        return {"safe_regex": {"regex": path["regex"]}}
    return {"prefix": match.get("prefix") or "/"}


def header_match(header: Json) -> Json:
    result: Json = {"name": header["name"]}
    if header.get("invert"):
        result["invert_match"] = True
    match = header.get("match")
    if not match:
        result["present_match"] = True
    elif "range" in match:
        result["range_match"] = match["range"]
    else:
        result["string_match"] = string_match(match)
    return result


def string_match(match: Json) -> Json:
    if "regex" in match:
        return {"safe_regex": {"regex": match["regex"]}}
    return {kind: match[kind] for kind in ("exact", "prefix", "suffix") if kind in match}


def retry_policy(policy: Json | None) -> Json:
    if policy is None:
        # App Mesh adds two hidden retries, also on 503, to a route without a policy. They would
        # hide an unhealthy canary from every count made here.
        return REFUSED_ONLY
    events = [
        RETRY_EVENTS.get(event, event)
        for kind in ("httpRetryEvents", "tcpRetryEvents", "grpcRetryEvents")
        for event in policy.get(kind) or []
    ]
    result = {"retry_on": ",".join(events), "num_retries": policy["maxRetries"]}
    if per_try := policy.get("perRetryTimeout"):
        result["per_try_timeout"] = duration(per_try)
    return result


def duration(value: Json) -> str:
    seconds = value["value"] / 1000 if value["unit"] == "ms" else float(value["value"])
    return f"{seconds:.3f}s"
