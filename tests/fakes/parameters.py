"""Parameters: what the stack was deployed with in tests, which allows all that they do."""

from emulator import template

NAME = "/stepcanary/settings"
PARAMETERS = {
    "ClusterArns": "arn:aws:ecs:us-east-1:123456789012:cluster/*",
    "TaskRoleArns": "*",
    "ImageRepositories": "*",
    "AllowInlineProfiles": "ENABLED",
    "ReleaseRoleArns": "arn:aws:iam::999988887777:role/stepcanary-*",
    "AppMesh": "ENABLED",
    "AnnouncementTopicArn": "arn:aws:sns:us-east-1:123456789012:announcements",
    "ReportBucket": "shop-reports",
    "SlackSecretArn": "slack",
    "SlackChannel": "C0RELEASES",
    "SlackTeamId": "T1DC2JH3J",
}


def settings(**changed: str) -> str:
    return template.settings(**{**PARAMETERS, **changed})
