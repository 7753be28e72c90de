"""CloudFormation: what happens to the stack just now, and the answers of a custom resource."""

import json
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.aws.partitions import domain_of
from stepcanary.domain.model import Document
from stepcanary.errors import AwsRefused, AwsUnavailable

ANSWER_SECONDS = 10
ANSWER_TRIES = 3


@aws_failures
def status_of(stack: str) -> str:
    """AWS's word for it (`UPDATE_COMPLETE`, `DELETE_IN_PROGRESS`, ...); `stack` is its id. See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    (found,) = clients.cloudformation().describe_stacks(StackName=stack)["Stacks"]
    return found["StackStatus"]


@aws_failures
def answer(url: str, document: Document) -> None:
    """Put the answer where CloudFormation waits for it, which is in S3 of the same partition. See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html

    Raises `AwsUnavailable`, and `AwsRefused` for what is no such place.
    """
    place = urlsplit(url)
    host = place.hostname or ""
    domain = domain_of(clients.cloudformation().meta.region_name)
    if place.scheme != "https" or not host.endswith(f".{domain}"):
        raise AwsRefused(f"CloudFormation takes no answers at {place.scheme}://{host}", "NoPlace")
    body = json.dumps(document).encode()
    for left in reversed(range(ANSWER_TRIES)):
        try:
            _put(host, f"{place.path}?{place.query}", body)
            return
        except (OSError, HTTPException) as error:
            if not left:
                raise AwsUnavailable(f"CloudFormation took no answer: {error}") from error


def _put(host: str, path: str, body: bytes) -> None:
    connection = HTTPSConnection(host, timeout=ANSWER_SECONDS)
    try:
        # What is signed is a request without a type.
        connection.request("PUT", path, body, {"Content-Type": ""})
        answered = connection.getresponse()
        if answered.status != 200:
            raise OSError(f"{host} answered {answered.status}")
    finally:
        connection.close()
