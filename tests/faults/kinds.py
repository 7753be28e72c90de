"""The kinds of fault: what each strikes, and what AWS answers where it refuses."""

from dataclasses import dataclass

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
