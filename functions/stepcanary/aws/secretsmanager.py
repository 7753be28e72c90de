"""Secrets Manager: Slack's signing secret, and the token of our requests to Slack."""

from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)
from pydantic import SecretStr, ValidationError

from stepcanary.aws import clients
from stepcanary.domain.model import Model
from stepcanary.errors import AwsUnavailable

KEPT_SECONDS = 300
"""How long a secret that was replaced may still be used."""


class SlackSecret(Model):
    signing_secret: SecretStr
    bot_token: SecretStr


def slack_secret(name: str) -> SlackSecret:
    """`name` is the secret's name or ARN. Raises `AwsUnavailable`, also where there is no such
    secret: somebody has to mend that."""
    try:
        found = clients.secrets().get(name, max_age=KEPT_SECONDS, transform="json")
        return SlackSecret.model_validate(found)
    except (GetParameterError, TransformParameterError, ValidationError) as error:
        raise AwsUnavailable(
            f"the secret {name} has to be JSON with signing_secret and bot_token:"
            f" {type(error).__name__}"
        ) from error
