"""The boto3 clients of the functions, which outlive the cloud they were made for."""

from stepcanary.aws import clients

FACTORIES = {name: each for name, each in vars(clients).items() if hasattr(each, "cache_clear")}


def forget_clients() -> None:
    """Make the functions' clients anew at their next use: each keeps its first endpoint.

    Raises `RuntimeError` where something stands in for one of them: whoever put it there has left
    it behind, and the next cloud would be called in a cloud that is closed.
    """
    if left := sorted(n for n, each in FACTORIES.items() if getattr(clients, n) is not each):
        raise RuntimeError(f"what stood in for the clients of {', '.join(left)} was left behind")
    for factory in FACTORIES.values():
        factory.cache_clear()
