"""Clients of boto3, one per service and process, all with the same time-outs and retries.

Those that read what is written back note the members that botocore does not know. Those of what
belongs to a service sign with the credentials of the access that was entered.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config
from botocore.session import get_session

from stepcanary import access
from stepcanary.aws import roles
from stepcanary.aws.members import noting

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_appmesh import AppMeshClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_vpc_lattice import VPCLatticeClient

# Three tries within a Lambda's 30 s; the state machine's Retry waits longer between its own.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)

C = TypeVar("C")


def _crossing(client: C) -> C:
    """The client, which from now on calls the account that was entered."""
    given: Any = client
    given.meta.events.register("before-call.*.*", _sign_as_entered)
    return client


def _sign_as_entered(context: dict[str, Any], **_: Any) -> None:
    """A hook of botocore's, whose signer takes the credentials of the request before its own."""
    entered = access.current()
    if entered is not None:
        signing = context.setdefault("signing", {})
        signing["request_credentials"] = roles.credentials(entered, sts())


@cache
def appmesh() -> "AppMeshClient":
    return noting(_crossing(boto3.client("appmesh", config=CONFIG)), "DescribeRoute")


@cache
def autoscaling() -> "ApplicationAutoScalingClient":
    return _crossing(boto3.client("application-autoscaling", config=CONFIG))


@cache
def cloudformation() -> "CloudFormationClient":
    return boto3.client("cloudformation", config=CONFIG)


@cache
def cloudwatch() -> "CloudWatchClient":
    return _crossing(boto3.client("cloudwatch", config=CONFIG))


@cache
def dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb", config=CONFIG)


@cache
def ecs() -> "ECSClient":
    return noting(_crossing(boto3.client("ecs", config=CONFIG)), "DescribeTaskDefinition")


@cache
def elbv2() -> "ElasticLoadBalancingv2Client":
    return noting(
        _crossing(boto3.client("elbv2", config=CONFIG)), "DescribeRules", "DescribeListeners"
    )


@cache
def events() -> "EventBridgeClient":
    """One short try: see `stepcanary.aws.eventbridge`."""
    hasty = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return boto3.client("events", config=hasty)


@cache
def awslambda() -> "LambdaClient":
    """`lambda` is a word of Python's own."""
    return boto3.client("lambda", config=CONFIG)


@cache
def patient_lambda() -> "LambdaClient":
    """For whoever has the time to wait for a function that starts cold and runs into its time-out:
    to ask again would only start another one."""
    patient = Config(
        connect_timeout=2, read_timeout=35, retries={"mode": "standard", "total_max_attempts": 2}
    )
    return boto3.client("lambda", config=patient)


@cache
def logs() -> "CloudWatchLogsClient":
    return boto3.client("logs", config=CONFIG)


@cache
def s3() -> "S3Client":
    """botocore's own: boto3's would load s3transfer, which the package does not have. Nothing waits
    for what is written there, so it tries for longer than the others."""
    patient = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 6}
    )
    return cast("S3Client", get_session().create_client("s3", config=patient))


@cache
def secretsmanager() -> "SecretsManagerClient":
    return boto3.client("secretsmanager", config=CONFIG)


@cache
def secrets() -> SecretsProvider:
    """Keeps for a time what it has read."""
    return SecretsProvider(boto3_client=secretsmanager())


@cache
def servicediscovery() -> "ServiceDiscoveryClient":
    return _crossing(boto3.client("servicediscovery", config=CONFIG))


@cache
def sns() -> "SNSClient":
    return boto3.client("sns", config=CONFIG)


@cache
def ssm() -> "SSMClient":
    return boto3.client("ssm", config=CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=CONFIG)


@cache
def sts() -> "STSClient":
    return boto3.client("sts", config=CONFIG)


@cache
def vpc_lattice() -> "VPCLatticeClient":
    return noting(_crossing(boto3.client("vpc-lattice", config=CONFIG)), "GetRule", "GetListener")
