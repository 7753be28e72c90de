"""Answer question: status, history, one release, or what a release would be refused for."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import answers
from stepcanary.contracts.questions import QuestionAnswer
from stepcanary.control.questions import answer_question
from stepcanary.errors import AwsRefused, RequestRejected
from stepcanary.observability import logger
from stepcanary.version import VERSION


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> QuestionAnswer:
    """What is not accepted is an answer, not an exception: its cause is for a person to read."""
    try:
        answer = answer_question(event)
    except (AwsRefused, RequestRejected) as refused:
        logger.warning("question not answered", extra={"cause": str(refused)})
        return QuestionAnswer(accepted=False, version=VERSION, cause=str(refused))
    return QuestionAnswer(accepted=True, version=VERSION, answer=answer)
