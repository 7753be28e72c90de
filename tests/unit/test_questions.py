"""Which function answers questions follows from the state machine, and is the template's."""

import pytest

from emulator import template
from stepcanary.domain.questions import function_of

HERE = "123456789012"


@pytest.mark.parametrize(
    ("machine", "function"),
    [
        (
            f"arn:aws:states:us-east-1:{HERE}:stateMachine:stepcanary-release",
            f"arn:aws:lambda:us-east-1:{HERE}:function:stepcanary-questions:live",
        ),
        (
            f"arn:aws-cn:states:cn-north-1:{HERE}:stateMachine:a-release-release",
            f"arn:aws-cn:lambda:cn-north-1:{HERE}:function:a-release-questions:live",
        ),
    ],
)
def test_it_is_beside_the_machine(machine: str, function: str) -> None:
    assert function_of(machine) == function


def test_it_is_what_the_template_calls_it() -> None:
    resources = template.document()["Resources"]
    name = resources["AnswerQuestionFunction"]["Properties"]["FunctionName"]
    machine = resources["ReleaseStateMachine"]["Properties"]["StateMachineName"]
    place = f"us-east-1:{HERE}"
    found = function_of(
        f"arn:aws:states:{place}:stateMachine:{machine.replace('${NamePrefix}', 'p')}"
    )
    assert found == f"arn:aws:lambda:{place}:function:{name.replace('${NamePrefix}', 'p')}:live"
    globals_ = template.document()["Globals"]["Function"]
    assert globals_["AutoPublishAlias"] == "live"


@pytest.mark.parametrize(
    "machine", ["", "stepcanary-release", f"arn:aws:states:us-east-1:{HERE}:execution:a-release:b"]
)
def test_what_is_no_machine_is_told(machine: str) -> None:
    with pytest.raises(ValueError, match="is no ARN of a state machine; write arn:aws:states"):
        function_of(machine)
