"""Reconcile: bring home the traffic of releases whose execution ended without doing so."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws.warmth import keep_warm
from stepcanary.contracts.answers import Sweep, answers
from stepcanary.observability import logger, publish_together
from stepcanary.release.sweep import bring_home, sweep


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> Sweep:
    """Called by the schedule for all, and by the end of an execution for its release."""
    execution = event.get("detail", {}).get("executionArn")
    if execution:
        swept = bring_home(execution)
    else:
        swept = sweep()
        keep_warm()
        publish_together({"StrandedSplits": len(swept.stranded), "LeftBehind": len(swept.left)})
    logger.info("swept", extra=swept.model_dump())
    return swept
