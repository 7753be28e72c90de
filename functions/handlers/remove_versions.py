"""Remove versions: those of the functions that no execution and no alias needs any more."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Removed, answers
from stepcanary.contracts.events import OldVersions
from stepcanary.observability import logger
from stepcanary.release import old_versions


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(event: OldVersions, _context: LambdaContext) -> Removed:
    removed = old_versions.remove(event.stack, event.state_machine, event.functions)
    logger.info("versions removed", extra={"removed": removed})
    return Removed(removed=removed)
