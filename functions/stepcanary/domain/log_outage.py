"""Log outage: how soon a canary's log shows that every answer is bad."""

import math

from stepcanary.domain.chance import least
from stepcanary.domain.evidence import BETS, Counts, log_factor, log_mean
from stepcanary.domain.metric_rule import UNPROVABLE, Rule

BROUGHT_SECONDS = 10
"""From a request until its line is counted, at most in all likelihood: a log driver sends after a
second or so, and CloudWatch Logs delivers after a few more. It was not timed on AWS."""
MOST_ERRORS = 10_000
LONGEST_SECONDS = 86_400


def errors_needed(rule: Rule, threshold: float, healthy: float) -> int | None:
    """How many bad answers are enough, after so many requests that were none; None where no number
    of them is."""

    def enough(errors: int) -> bool:
        counts = Counts(math.ceil(healthy) + errors, errors, 0, 0)
        factors = (log_factor(counts, rule.worse, bet, rule.clusters) for bet in BETS)
        return log_mean(factors) >= threshold

    if rule.worse.allowance >= UNPROVABLE or not enough(MOST_ERRORS):
        return None
    low, high = 0, MOST_ERRORS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def seconds_to_show(rule: Rule, threshold: float, per_second: float, healthy: float) -> int | None:
    """How long an outage lasts until its lines are enough for sure, and are counted."""
    errors = errors_needed(rule, threshold, healthy)
    if errors is None or least(per_second * LONGEST_SECONDS) < errors:
        return None
    low, high = 0, LONGEST_SECONDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if least(per_second * middle) >= errors else (middle, high)
    return high + BROUGHT_SECONDS
