"""Settings: what the parameters of the stack say, as of now."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from stepcanary.errors import AwsUnavailable, RequestRejected


def _listed(value: Any) -> Any:
    """CloudFormation joins a list with commas."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    return value


def _enabled(value: Any) -> Any:
    return value == "ENABLED" if isinstance(value, str) else value


Listed = Annotated[list[str], BeforeValidator(_listed)]
Enabled = Annotated[bool, BeforeValidator(_enabled)]


class StackSettings(BaseModel):
    """Versions of the stack read what another has written: unknown keys are ignored, and those that
    are missing allow nothing.

    `clusters`, `task_roles` and `repositories` are what releases may use at all, and
    `release_roles` the roles of other accounts, in patterns: `*` stands for any characters in them.
    `may_be_lost` has the members that this stack does not know and a release may delete. `counter`
    is the ARN of the function that counts lines of logs. Reports are written into `report_bucket`,
    below `name_prefix`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    profile_prefix: Annotated[str, AfterValidator(lambda prefix: prefix.rstrip("/"))]
    state_machine: str = ""
    counter: str = ""
    inline_profiles: Enabled = False
    clusters: Listed = []
    task_roles: Listed = []
    repositories: Listed = []
    release_roles: Listed = []
    app_mesh: Enabled = False
    may_be_lost: Listed = []
    announcement_topic: str = ""
    report_bucket: str = ""
    name_prefix: str = ""
    slack_secret: str = ""
    slack_channel: str = ""
    slack_team: str = ""


def parse_settings(name: str, text: str) -> StackSettings:
    """Raises `AwsUnavailable` where somebody has changed what the stack had written, and
    `RequestRejected` where whoever writes profiles could."""
    try:
        found = StackSettings.model_validate_json(text)
    except ValidationError as invalid:
        raise AwsUnavailable(
            f"the parameter {name} is not what the stack has written; update the stack, which"
            f" writes it again. {invalid.error_count()} of its keys are wrong"
        ) from invalid
    if name.startswith(f"{found.profile_prefix}/"):
        raise RequestRejected(
            f"ProfilePrefix: {name}, which says what the stack allows, is below"
            f" {found.profile_prefix}, where teams write their profiles; update the stack with"
            " another ProfilePrefix"
        )
    return found
