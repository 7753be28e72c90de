"""ECR: the host name of a registry, which an event of a push leaves out."""

from stepcanary.aws.errors import aws_failures
from stepcanary.aws.partitions import domain_of


@aws_failures
def registry(account: str, region: str) -> str:
    """As images are named by it. See
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
    """
    return f"{account}.dkr.ecr.{region}.{domain_of(region)}"
