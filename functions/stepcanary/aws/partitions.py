"""Partitions: AWS itself, China, GovCloud and others, each with a domain of its own."""

import botocore.session


def domain_of(region: str) -> str:
    """The domain of the Region's partition, such as `amazonaws.com.cn`. Raises botocore's
    `UnknownRegionError`."""
    session = botocore.session.get_session()
    partition = session.get_partition_for_region(region)
    domain: str = session.get_component("endpoint_resolver").get_partition_dns_suffix(partition)
    return domain
