"""Relay alarm: an alarm that has just fired reverts every release that it judges."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.events import AlarmEvent
from stepcanary.observability import logger
from stepcanary.release import signalling


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@event_parser(model=AlarmEvent)
def lambda_handler(event: AlarmEvent, _context: LambdaContext) -> dict[str, Any]:
    alarm = event.detail
    fired_at = int(alarm.state.timestamp.timestamp())
    told = signalling.revert_on_alarm(alarm.alarm_name, alarm.state.reason, fired_at)
    logger.warning("alarm relayed", extra={"alarm": alarm.alarm_name, "executions": told})
    return {"executions": told}
