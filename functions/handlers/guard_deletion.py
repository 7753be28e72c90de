"""Guard deletion: CloudFormation's question whether the stack may be deleted, and our answer."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Guarded, answers
from stepcanary.observability import logger
from stepcanary.release import deletion


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> Guarded:
    """`event` is a custom resource's; see
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """
    reason = deletion.answer(event)
    logger.info("answered CloudFormation", extra={"asked": event["RequestType"], "reason": reason})
    return Guarded(refused=bool(reason), reason=reason)
