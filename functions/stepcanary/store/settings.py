"""Settings: what the parameters of the stack say, read at every invocation that needs them."""

from stepcanary.aws import ssm
from stepcanary.domain.settings import StackSettings, parse_settings
from stepcanary.environment import ParameterSettings


def of_stack() -> StackSettings:
    """As of now: a function outlives an update of the stack."""
    name = ParameterSettings.from_env().name
    return parse_settings(name, ssm.read(name))
