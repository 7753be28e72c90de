"""The kinds of fault: what each strikes, what AWS answers where it refuses, what the world does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.cloud import Cloud

PRIMARY, CANARY = "example1", "example2"
ALARM = "example2-5xx"
HEALS_SECONDS = 30
"""Within the grace of a canary that is short."""

HOTFIX = "shop:hotfix"


def _lag(api: str, seconds: int) -> Callable[[Cloud], object]:
    def strike(cloud: Cloud) -> None:
        name = {"route": cloud.read, "targets": TARGETS_READ[cloud.read]}.get(api, api)
        cloud.lag = {**cloud.lag, name: seconds}

    return strike


TARGETS_READ = {
    "appmesh.DescribeRoute": "servicediscovery.DiscoverInstances",
    "elbv2.DescribeRules": "elbv2.DescribeTargetHealth",
    "vpc-lattice.GetRule": "vpc-lattice.ListTargets",
}
APIS = (
    "route",
    "targets",
    "ecs.DescribeServices",
    "ecs.DescribeTaskDefinition",
    "ecs.ListTasks",
    "ecs.DescribeTasks",
    "cloudwatch.DescribeAlarms",
)
LAGS = {f"{api} lags {seconds} s": _lag(api, seconds) for api in APIS for seconds in (1, 3, 12)}

ALARMS: dict[str, Callable[[Cloud], object]] = {
    "alarm deleted": lambda cloud: cloud.delete_alarm(ALARM),
    "alarm fails to evaluate": lambda cloud: cloud.fail_evaluation(ALARM),
}


def _push_and_deploy(image: str, service: str) -> Callable[[Cloud], object]:
    """Somebody pushes other bytes under the tag, and has the service take them up."""

    def strike(cloud: Cloud) -> None:
        cloud.registry.push(image)
        cloud.deploy_foreign(service, same_revision=True)

    return strike


def _deregister_new(cloud: Cloud) -> None:
    """Somebody cleans up what a release has registered, or is about to deploy."""
    if cloud.status(new := cloud.arn(PRIMARY, 2)) == "ACTIVE":
        cloud.deregister(new)


def _stay_silent(cloud: Cloud) -> None:
    cloud.silent = True


SCALING: dict[str, Callable[[Cloud], object]] = {
    "primary bounds set": lambda cloud: cloud.set_bounds(PRIMARY, 3, 8),
    "canary bounds set": lambda cloud: cloud.set_bounds(CANARY, 0, 6),
    "action that lowers": lambda cloud: cloud.act_at(PRIMARY, 45, 1, 2),
    "action that raises": lambda cloud: cloud.act_at(PRIMARY, 45, 6, 12),
    "scalable target gone": lambda cloud: cloud.scalable.pop(PRIMARY, None),
}
"""What others do to what scales, where something does."""


def _lose_metrics(cloud: Cloud) -> None:
    """For five minutes."""
    cloud.lost.update(REQUESTS)
    cloud.clock.after(300, cloud.lost.clear)


REQUESTS = {"RequestCount", "RequestCountPerTarget", "TotalRequestCount", "TargetResponseTime"}
METRICS: dict[str, Callable[[Cloud], object]] = {
    "metrics late": lambda cloud: setattr(cloud, "published_after", 200.0),
    "metrics revised": lambda cloud: setattr(cloud, "revised_after", 120.0),
    "metrics unordered": lambda cloud: setattr(cloud, "unordered", True),
    "metrics missing": _lose_metrics,
}
"""What CloudWatch does to what it counts, where somebody judges by it."""


def _lose_filters(cloud: Cloud) -> None:
    """Somebody removes every subscription filter."""
    for filters in cloud.log_filters.values():
        filters.clear()


def _throttle_counting(cloud: Cloud) -> None:
    """For two minutes there is no concurrency for the function. Lambda tries again, later each
    time, and has what was brought then twice in its queue."""

    def end() -> None:
        cloud.throttled, cloud.deliveries = False, before

    before, cloud.throttled, cloud.deliveries = cloud.deliveries, True, 2
    cloud.clock.after(120, end)


def _refuse_counting(cloud: Cloud) -> None:
    """CloudWatch Logs may not call the function, and leaves lines out for ten minutes, though its
    filters are there."""
    cloud.refused = True
    cloud.clock.after(600, lambda: setattr(cloud, "refused", False))


LOGS: dict[str, Callable[[Cloud], object]] = {
    "signal lost": _lose_filters,
    "signal throttled": _throttle_counting,
    "signal refused": _refuse_counting,
    "signal twice": lambda cloud: setattr(cloud, "deliveries", 2),
    "signal late": lambda cloud: setattr(cloud, "lines_after", 100.0),
    "signal after the end": lambda cloud: setattr(cloud, "lines_after", 3_000.0),
}
"""What happens to the lines of a log, where somebody counts them."""

WORLD: dict[str, Callable[[Cloud], object]] = {
    **SCALING,
    **METRICS,
    **LOGS,
    "canary lost": lambda cloud: cloud.lose_tasks(CANARY),
    "canary task replaced": lambda cloud: cloud.lose_tasks(CANARY, 1, HEALS_SECONDS),
    "canary count reset": lambda cloud: cloud.set_desired(CANARY, 0),
    "canary scaled out": lambda cloud: cloud.autoscale(CANARY, 2),
    "canary scaled in": lambda cloud: cloud.set_desired(CANARY, 1),
    "primary lost": lambda cloud: cloud.lose_tasks(PRIMARY),
    "primary task replaced": lambda cloud: cloud.lose_tasks(PRIMARY, 1, HEALS_SECONDS),
    "primary count reset": lambda cloud: cloud.set_desired(PRIMARY, 0),
    "primary scaled out": lambda cloud: cloud.autoscale(PRIMARY, 2),
    "primary scaled in": lambda cloud: cloud.set_desired(PRIMARY, 1),
    "foreign canary": lambda cloud: cloud.deploy_foreign(CANARY, HOTFIX),
    "foreign primary": lambda cloud: cloud.deploy_foreign(PRIMARY, HOTFIX),
    "canary redeployed": lambda cloud: cloud.deploy_foreign(CANARY, same_revision=True),
    "primary redeployed": lambda cloud: cloud.deploy_foreign(PRIMARY, same_revision=True),
    "new tag moved": lambda cloud: cloud.registry.push("shop:v2"),
    "old tag moved": lambda cloud: cloud.registry.push("shop:v1"),
    "sidecar tag moved": lambda cloud: cloud.registry.push("envoy:v1"),
    "new tag moved and deployed": _push_and_deploy("shop:v2", CANARY),
    "sidecar tag moved and deployed": _push_and_deploy("envoy:v1", CANARY),
    "old tag moved and deployed": _push_and_deploy("shop:v1", PRIMARY),
    "old sidecar tag moved and deployed": _push_and_deploy("envoy:v1", PRIMARY),
    "digests untold": _stay_silent,
    "new revision deregistered": _deregister_new,
    "revision deregistered": lambda cloud: cloud.deregister(cloud.arn(PRIMARY, 1)),
    "revision deleting": lambda cloud: cloud.start_deleting(cloud.arn(PRIMARY, 1)),
    "autoscaler minimum": lambda cloud: cloud.autoscaler_minimum.update({CANARY: 1}),
    "weights reset": lambda cloud: cloud.reset_weights(),
    "executions unknown": lambda _cloud: None,
    **ALARMS,
    **LAGS,
    "unknown member": lambda cloud: cloud.add_member(),
}
"""What others do in mid-release, and how reads lag from there on."""

LASTING = {
    "new tag moved",
    "old tag moved",
    "sidecar tag moved",
    "digests untold",
    "autoscaler minimum",
    "executions unknown",
    "alarm fails to evaluate",
    "unknown member",
    "metrics late",
    "metrics revised",
    "metrics unordered",
    "signal twice",
    "signal late",
    "signal after the end",
    *LAGS,
}
"""From here on the world is like this."""

HARMLESS = {
    *SCALING,
    *METRICS,
    # Without a line nothing says that the canary is good.
    *(kind for kind in LOGS if kind not in ("signal after the end", "signal refused")),
    "canary task replaced",
    "canary scaled out",
    "primary task replaced",
    "primary scaled out",
    "canary redeployed",
    "primary redeployed",
    "new tag moved",
    "old tag moved",
    "sidecar tag moved",
    "revision deregistered",
    "revision deleting",
    "autoscaler minimum",
    "executions unknown",
    # What was just written reads otherwise for so long that nobody can tell it from drift.
    *(kind for kind in LAGS if kind != "route lags 12 s"),
}
"""A good release is Released all the same."""

DEAFENING = {
    # What lines would have told comes when the release is over.
    "signal throttled",
    "signal refused",
    "signal late",
    "signal after the end",
}
"""With these a log may be silent about a bad version for as long as its release lasts."""

KINDS: dict[str, str] = {
    "throttled": "call",
    "server error": "call",
    "access denied": "call",
    "conflict": "call",
    "answer lost": "call",
    "killed after a call": "call",
    "foreign write at a call": "call",
    "killed before": "invocation",
    "killed after": "invocation",
    "delivered twice": "invocation",
    "delivered late": "invocation",
    "stopped in flight": "invocation",
    "history full": "invocation",
    "stopped": "state",
    "timed out": "state",
    "uncatchable error": "state",
    "foreign write": "state",
    "foreign return": "state",
    "revert signalled": "state",
    "promote signalled": "state",
    "second release": "state",
    "event lost": "event",
    "event duplicated": "event",
    **dict.fromkeys(WORLD, "state"),
    "alarm fires": "state",
}
"""Every kind of fault, and what it strikes."""

TARGETS = tuple(dict.fromkeys(KINDS.values()))
DEADLY = {"stopped", "timed out", "uncatchable error"}
"""The execution dies of these."""

ANSWERS_OF_AWS: dict[str, dict[str, tuple[str, int]]] = {
    "throttled": {
        "appmesh": ("TooManyRequestsException", 429),
        "cloudwatch": ("Throttling", 400),
        "elbv2": ("Throttling", 400),
        "servicediscovery": ("RequestLimitExceeded", 400),
        "": ("ThrottlingException", 400),
    },
    "server error": {
        "appmesh": ("InternalServerErrorException", 500),
        "cloudwatch": ("InternalServiceFault", 500),
        "ecs": ("ServerException", 500),
        "elbv2": ("InternalFailure", 500),
        "vpc-lattice": ("InternalServerException", 500),
        "": ("InternalServerError", 500),
    },
    "access denied": {
        "appmesh": ("ForbiddenException", 403),
        "cloudwatch": ("AccessDenied", 403),
        "elbv2": ("AccessDenied", 403),
        "": ("AccessDeniedException", 400),
    },
}
"""By kind and service, the error's code and its status; without a name, every other service's."""


@dataclass(frozen=True, order=True)
class Fault:
    """`at` counts what the kind strikes: calls, invocations, states or events, from 0."""

    kind: str
    at: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"
