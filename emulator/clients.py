"""The boto3 clients of the functions, which outlive the cloud they were made for."""

from stepcanary.aws import clients


def forget_clients() -> None:
    """Make the functions' clients anew at their next use: each keeps its first endpoint."""
    for factory in vars(clients).values():
        if hasattr(factory, "cache_clear"):
            factory.cache_clear()
