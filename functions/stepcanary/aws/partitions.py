"""Partitions: AWS itself, China, GovCloud and others, each with a domain of its own."""

from functools import lru_cache

import botocore.session


# botocore reads all partitions for each answer, which costs more than the call that it is for.
@lru_cache(maxsize=32)
def domain_of(region: str) -> str:
    """The domain of the Region's partition, such as `amazonaws.com.cn`. Raises botocore's
    `UnknownRegionError`."""
    session = botocore.session.get_session()
    partition = session.get_partition_for_region(region)
    domain: str = session.get_component("endpoint_resolver").get_partition_dns_suffix(partition)
    return domain
