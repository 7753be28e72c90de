"""SNS: announcements to a topic, from where Amazon Q Developer takes them into a chat."""

import json

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.settings import AnnouncementSettings


@aws_failures
def publish(message: dict[str, object]) -> None:
    topic = AnnouncementSettings.from_env().topic
    clients.sns().publish(TopicArn=topic, Message=json.dumps(message))
