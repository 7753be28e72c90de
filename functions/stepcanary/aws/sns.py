"""SNS: announcements to a topic, from where Amazon Q Developer takes them into a chat."""

import json

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures


@aws_failures
def publish(topic: str, message: dict[str, object]) -> None:
    """`topic` is its ARN."""
    clients.sns().publish(TopicArn=topic, Message=json.dumps(message))
