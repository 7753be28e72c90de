"""Holder: whether the execution that holds a lease may still act."""

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.domain.lease import Lease

UNKNOWN_SECONDS = 300
"""DescribeExecution may not know yet an execution that has just begun; see
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"""


def is_alive(lease: Lease) -> bool:
    """An execution that AWS does not know is dead only when its lease is old enough."""
    status = stepfunctions.status_of(lease.holder)
    if status is None:
        return clock.epoch_seconds() - lease.since < UNKNOWN_SECONDS
    return status in stepfunctions.ALIVE


def has_ended(execution: str) -> bool:
    """Of one that acts just now: AWS may not know it yet."""
    return stepfunctions.status_of(execution) not in (None, *stepfunctions.ALIVE)
