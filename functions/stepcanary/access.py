"""Access: with whose credentials AWS is called about a service.

Whoever takes up a profile or a release enters its access, and every call about the service's own
resources is made with that until it is left: `aws/clients.py` asks here. The ledger, the settings
and the stack's own state machine are called without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Access:
    """A role of another account. CloudTrail has the `session` there; the external id is what the
    role's trust policy asks for."""

    role_arn: str
    external_id: str = field(repr=False)
    session: str


_access: ContextVar[Access | None] = ContextVar("access", default=None)


def current() -> Access | None:
    """None is the stack's own account."""
    return _access.get()


@contextmanager
def entered(access: Access | None) -> Iterator[None]:
    """Also None is entered: what is called next is in the stack's own account again."""
    before = _access.set(access)
    try:
        yield
    finally:
        _access.reset(before)
