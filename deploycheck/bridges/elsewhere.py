"""CloudFormation: stacks of a user's services, which are the sandbox's."""

import asyncio
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

from ministack.services import cloudformation

from deploycheck.bridges.names import ELSEWHERE, PIPELINE_STACK

OWN = {"stepcanary", "aws-sam-cli-managed-default", PIPELINE_STACK}
"""The stacks that are MiniStack's."""

_handle = cloudformation.handle_request


@contextmanager
def crossed() -> Iterator[None]:
    """AWS: one CloudFormation makes the stack and a user's services. MiniStack: so too, but those
    would have no load balancer that serves, so requests about other stacks go to the sandbox."""
    with patch.object(cloudformation, "handle_request", _by_stack):
        yield


async def _by_stack(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Any:
    [stack] = parse_qs(body.decode()).get("StackName", [""])
    name = stack.split("/")[1] if stack.startswith("arn:") else stack
    if not name or name in OWN or ELSEWHERE not in os.environ:
        return await _handle(method, path, headers, body, query)
    return await asyncio.to_thread(_forwarded, os.environ[ELSEWHERE], method, path, headers, body)


def _forwarded(
    elsewhere: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    kept = {name: value for name, value in headers.items() if name.lower() != "host"}
    request = urllib.request.Request(elsewhere + path, body, kept, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {"Content-Type": "text/xml"}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {"Content-Type": "text/xml"}, refused.read()
