"""Access: with whose credentials AWS is called about a service.

Whoever takes up a profile or a release enters its access, and every call about the service's own
resources is made with that until it is left: `aws/clients.py` asks here. The ledger, the settings
and the stack's own state machine are called without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Access:
    """A role of another account. CloudTrail has the `session` there; the external id is what the
    role's trust policy asks for. What `only_reads` has no more than the role's rights to read."""

    role_arn: str
    external_id: str = field(repr=False)
    session: str
    only_reads: bool = False


_access: ContextVar[Access | None] = ContextVar("access", default=None)
_reading: ContextVar[bool] = ContextVar("reading", default=False)


def current() -> Access | None:
    """None is the stack's own account."""
    return _access.get()


@contextmanager
def entered(access: Access | None) -> Iterator[None]:
    """Also None is entered: what is called next is in the stack's own account again."""
    if access is not None and _reading.get():
        access = replace(access, only_reads=True)
    before = _access.set(access)
    try:
        yield
    finally:
        _access.reset(before)


@contextmanager
def reading() -> Iterator[None]:
    """Every access that is entered meanwhile only reads: for questions, which change nothing."""
    before = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(before)
