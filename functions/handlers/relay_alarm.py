"""Relay alarm: an alarm that has just fired reverts every release that it judges."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws.warmth import may_be_warmed
from stepcanary.contracts.answers import Signalled, answers
from stepcanary.contracts.events import AlarmEvent
from stepcanary.observability import logger
from stepcanary.release import signalling


@may_be_warmed
@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: AlarmEvent, _context: LambdaContext) -> Signalled:
    alarm = event.detail
    fired_at = int(alarm.state.timestamp.timestamp())
    executions = signalling.revert_on_alarm(alarm.alarm_name, alarm.state.reason, fired_at)
    logger.warning("alarm relayed", extra={"alarm": alarm.alarm_name, "executions": executions})
    return Signalled(executions=executions)
