"""Questions: which function answers them."""

import re

ALIAS = "live"
_MACHINE = re.compile(
    r"arn:(?P<partition>[\w-]+):states:(?P<place>[\w-]+:\d+):stateMachine:(?P<name>\S+)"
)


def function_of(machine: str) -> str:
    """The ARN of the function that answers questions, by its alias, in the stack of this state
    machine: both are named after the stack's NamePrefix."""
    found = _MACHINE.fullmatch(machine)
    if not found:
        raise ValueError(
            f"{machine[:200]!r} is no ARN of a state machine; write"
            " arn:aws:states:REGION:ACCOUNT:stateMachine:NAME"
        )
    prefix = found["name"].removesuffix("-release")
    return f"arn:{found['partition']}:lambda:{found['place']}:function:{prefix}-questions:{ALIAS}"
