"""STS: whether the role of another account is one that the stack may use."""

from stepcanary.access import Access
from stepcanary.aws import clients, roles


def require_role(access: Access) -> None:
    """Raises `RequestRejected`; see `roles.require`."""
    roles.require(access, clients.sts())
