"""Topic: announcements to SNS, from where Amazon Q Developer takes them into a chat."""

import json

from canary.announcement import Document
from canary.aws import clients
from canary.aws.failures import aws_failures
from canary.settings import settings


@aws_failures
def publish(message: Document) -> None:
    clients.sns().publish(TopicArn=settings().announcement_topic, Message=json.dumps(message))
