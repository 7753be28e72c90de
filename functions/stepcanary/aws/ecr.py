"""ECR: the host name of a registry, which an event of a push leaves out."""

import botocore.session

from stepcanary.aws.errors import aws_failures


@aws_failures
def registry(account: str, region: str) -> str:
    """As images are named by it: every partition of AWS has a domain of its own. See
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
    """
    session = botocore.session.get_session()
    partition = session.get_partition_for_region(region)
    resolver = session.get_component("endpoint_resolver")
    suffix = resolver.get_partition_dns_suffix(partition)
    return f"{account}.dkr.ecr.{region}.{suffix}"
