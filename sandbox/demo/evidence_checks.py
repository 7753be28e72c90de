"""Evidence checks: what must be true at the end of a release that the judge has judged."""

from sandbox.demo.checks import Report, at_rest, no_errors, old_version, released


def reverted_by_judge(report: Report) -> list[str]:
    """The comparison ended the bake, and no alarm has fired that the release has."""
    wrong = at_rest(report) + old_version(report)
    if report["bakes"] != 1:
        wrong.append(f"it baked {report['bakes']} times, so the bake was not ended")
    if fired := sorted({*report["fired"]} & {*report["alarms"]}):
        wrong.append(f"the alarm {fired[0]} fired, so that it needed no judge")
    if report["errors"] != report["errors_from_canary"]:
        wrong.append("requests failed that the canary did not serve")
    return wrong


def shown_slow(report: Report) -> list[str]:
    """It was slow, and nothing else."""
    wrong = reverted_by_judge(report) + no_errors(report)
    return wrong + says(report, "latency: the canary gave", "evidence")


def shown_worse(report: Report) -> list[str]:
    """Both sides fail requests, and the canary more of them."""
    of_primary = report["errors"] - report["errors_from_canary"]
    wrong = reverted_by_judge({**report, "errors": report["errors_from_canary"]})
    if not of_primary:
        wrong.append("the primary failed no request, so nothing was compared")
    return wrong + says(report, "errors: the canary gave", "evidence")


def over_budget(report: Report) -> list[str]:
    """The bad answers were counted, and not weighed."""
    wrong = reverted_by_judge(report) + says(report, "over the budget of 20")
    if report["errors_from_canary"] > MOST_ERRORS:
        wrong.append(f"{report['errors_from_canary']} requests failed")
    return wrong


MOST_ERRORS = 60
"""6 a second fail, and a period is read two after it began."""


MOST_SECONDS = 10.0
"""From the first bad answer to weight 0: 5 in which a log driver keeps lines at most, 6 in which
CloudWatch Logs delivers them, and of several tasks one is sooner."""


def signalled_fast(report: Report) -> list[str]:
    """The canary's log told it, and within seconds."""
    wrong = reverted_by_judge(report) + says(report, "logs: the canary gave", "evidence")
    exposure = report["exposure"]
    if exposure["first_bad"] is None:
        return [*wrong, "no request failed, so nothing was shown"]
    seconds = exposure["seconds_to_weight_0"]
    if seconds is None or seconds >= MOST_SECONDS:
        wrong.append(f"the canary had weight for {seconds} s from its first bad answer on")
    failed = exposure["failed_requests"]
    bad = sum(each["bad"] for each in exposure["sources"] if each["source"] == "logs")
    if not 0 < bad <= failed:
        wrong.append(f"the ledger has {bad} bad answers of the log, and {failed} requests failed")
    return wrong


def taken_back_by_log(report: Report) -> list[str]:
    """The log of the primary's new tasks told it, before the release was over."""
    wrong = at_rest(report) + old_version(report) + says(report, "logs: the canary gave 0 of")
    if not report["errors"]:
        return [*wrong, "no request failed, so nothing was shown"]
    if report["errors"] != report["exposure"]["failed_requests"]:
        wrong.append("requests failed that the bad version did not answer")
    if report["errors_from_canary"]:
        wrong.append("it was bad while the canary served it, so the primary was not needed")
    if report["promotions"] != 1:
        wrong.append(f"it tried to promote {report['promotions']} times, not once")
    return wrong


def unmeasured(report: Report) -> list[str]:
    """It was held as often as the profile says, and its end names what was missing."""
    wrong = at_rest(report) + old_version(report) + no_errors(report)
    if report["bakes"] != 3:
        wrong.append(f"it baked {report['bakes']} times, not once and twice held")
    return wrong + says(report, "no request of the canary was counted for errors")


def held_until_good(report: Report) -> list[str]:
    """It was held at least once, and no longer than it had to be."""
    wrong = released(report)
    if report["bakes"] <= sum(weight > 0 for weight in report["weights"]):
        wrong.append("one bake of each step was enough, so nothing was held")
    return wrong


def forgiven(report: Report) -> list[str]:
    """The canary failed one request, and is the new version."""
    wrong = released({**report, "errors": 0})
    if (report["errors"], report["errors_from_canary"]) != (1, 1):
        wrong.append(f"{report['errors']} requests failed, not one of the canary's")
    return wrong


def says(report: Report, *texts: str) -> list[str]:
    missing = [text for text in texts if text not in report["cause"]]
    return [f"the cause does not say {missing[0]!r}: {report['cause']}"] if missing else []
