"""Checks: what must be true at the end of a release. Each returns what is wrong, if anything."""

import math
from typing import Any

from sandbox.demo.examples import example

CONFIDENCE = 0.999
LOOK_SLACK_SECONDS = 3
"""What a revert may take after the look that asks for it."""
Report = dict[str, Any]


def at_rest(report: Report) -> list[str]:
    """What is true of every end of a release, good or bad."""
    wrong = []
    if report["split"] != {"primary": 100, "canary": 0}:
        wrong.append(f"the split is {report['split']}")
    if report["canary_tasks"]:
        wrong.append(f"the canary still has {report['canary_tasks']} tasks")
    return wrong


def released(report: Report) -> list[str]:
    """The new version serves, and nobody noticed."""
    wrong = at_rest(report) + no_errors(report)
    if report["status"] != "SUCCEEDED":
        wrong.append(f"the execution is {report['status']}")
    if not report["primary_image"].endswith(f":{report['tag']}"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def no_errors(report: Report) -> list[str]:
    return [f"{report['errors']} requests failed"] if report["errors"] else []


def old_version(report: Report) -> list[str]:
    if report["primary_image"] != report["primary_image_before"]:
        return [f"the primary runs {report['primary_image']}"]
    return []


def alarm_heard(report: Report) -> list[str]:
    """The alarm's event reached the release. The sweep, each second here, may see the alarm in the
    same moment, and then it is the sweep that the cause names."""
    if not any(
        "revert by alarm example2-5xx" in each for each in (*report["signals"], report["cause"])
    ):
        return ["it was not the alarm's event that ended the bake"]
    return []


def reverted_by_alarm(report: Report) -> list[str]:
    """The alarm's event ended the bake, and only the bad version failed requests."""
    wrong = at_rest(report) + old_version(report) + alarm_heard(report)
    if not report["errors_from_canary"]:
        wrong.append("the bad version failed no request, so nothing was shown")
    if report["errors"] != report["errors_from_canary"]:
        wrong.append("requests failed that the canary did not serve")
    return wrong


def split_95_to_5(report: Report) -> list[str]:
    """The canary got 5 % of the requests, as near as chance allows."""
    step = next((s for s in report["steps"] if s["weight"] == 5), None)
    if step is None or step["requests"] < 2_000:
        return [f"too few requests at 95:5: {step}"]
    low, high = binomial_interval(step["requests"], 0.05)
    report["interval"] = {
        "requests": step["requests"],
        "canary_requests": step["canary_requests"],
        "low": low,
        "high": high,
        "confidence": CONFIDENCE,
    }
    if not low <= step["canary_requests"] <= high:
        return [f"{step['canary_requests']} of {step['requests']} lie outside {low}..{high}"]
    return released(report)


def recovered(report: Report) -> list[str]:
    """The execution was stopped, and the reconciler brought the traffic back."""
    wrong = at_rest(report) + old_version(report) + no_errors(report)
    if report["status"] != "ABORTED":
        wrong.append(f"the execution is {report['status']}, so nobody had to help it")
    if report["weights"] != [0, 50, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    return wrong


def failed_promotion(report: Report) -> list[str]:
    """Two promotions failed while the canary served everything."""
    wrong = at_rest(report) + old_version(report) + no_errors(report)
    if report["weights"] != [0, 50, 100, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if report["promotions"] != 2:
        wrong.append(f"it tried to promote {report['promotions']} times, not twice")
    full = next((s for s in report["steps"] if s["weight"] == 100), None)
    if full is None or full["canary_requests"] != full["requests"]:
        wrong.append(f"not all traffic was on the canary: {full}")
    return wrong


MOST_SECONDS = 3.0
"""From an alarm to weight 0; new tasks of the primary need longer to start."""


def returned_in_promotion(report: Report) -> list[str]:
    """The version turned bad while the primary rolled, and nobody is served by it any more."""
    wrong = at_rest(report) + old_version(report)
    if "alarm example2-5xx" not in report["cause"]:
        wrong.append(f"it was not the alarm that ended the promotion: {report['cause']}")
    if report["promotions"] != 1:
        wrong.append(f"it tried to promote {report['promotions']} times, not once")
    exposure = report["exposure"]
    if exposure["first_bad"] is None:
        return [*wrong, "no request failed, so nothing was shown"]
    if report["errors"] != exposure["failed_requests"]:
        wrong.append("requests failed that the bad version did not answer")
    fired = min((each["seconds"] for each in exposure["sources"] if "bad" not in each), default=0)
    returned = exposure["seconds_to_weight_0"]
    if returned is None or returned - fired > MOST_SECONDS:
        wrong.append(f"the alarm fired after {fired} s, and the canary had weight for {returned} s")
    return wrong


def canary_lost(report: Report) -> list[str]:
    """The canary died while it carried everything, and only the look from outside could see it."""
    wrong = at_rest(report) + old_version(report)
    if not report["acts"]:
        return [*wrong, "the canary did not die"]
    [died] = report["acts"]
    began, ended = report["errors_began"], report["errors_ended"]
    if began is None:
        wrong.append("no request failed, so nothing was shown")
    elif began < died:
        wrong.append(f"a request failed at {began} s, and the canary died at {died} s")
    elif ended - began > report["look_seconds"] + LOOK_SLACK_SECONDS:
        wrong.append(f"requests failed from {began} s to {ended} s")
    if report["weights"] != [0, 50, 100, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if report["promotions"]:
        wrong.append("a promotion was begun")
    if report["gates"] != 1:
        wrong.append(f"{report['gates']} gates were opened, not the one at which the canary died")
    if report["signals"] != ["revert by the sweep"]:
        wrong.append(f"the ledger says {report['signals']}")
    if "0 of 2 tasks that example2 needs for 100 % run" not in report["cause"]:
        wrong.append(f"the cause does not name what was lost: {report['cause']}")
    return wrong


def hotfix_kept(report: Report) -> list[str]:
    """What somebody deployed on the primary in mid-release is there, and nobody noticed."""
    wrong = at_rest(report) + no_errors(report)
    primary = report["primary"]
    if not primary["image"].endswith(":v20"):
        wrong.append(f"the primary runs {primary['image']}")
    if report["weights"] != [0, 50, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if f"somebody else deployed {primary['name']} to the primary example1" not in report["cause"]:
        wrong.append(f"the cause does not name the hotfix: {report['cause']}")
    return wrong


def restored_by_copy(report: Report) -> list[str]:
    """The promotion failed, and the old version, which ECS would not deploy, is back by a copy."""
    wrong = at_rest(report) + old_version(report) + no_errors(report)
    before, after = report["primary_before"], report["primary"]
    if before["status"] != "INACTIVE":
        wrong.append(f"{before['name']} was {before['status']}, so nobody needed a copy")
    if after["status"] != "ACTIVE" or after["tags"] != {"stepcanary-copy-of": before["name"]}:
        wrong.append(f"the primary runs no copy of {before['name']}: {after}")
    if report["promotions"] != 1:
        wrong.append(f"it tried to promote {report['promotions']} times, not once")
    if report["weights"] != [0, 50, 100, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if report["standing"]:
        wrong.append(f"the register still has {report['standing']}")
    return wrong


def baked_bytes(report: Report) -> list[str]:
    """Other bytes were pushed under the tag in mid-release, and nobody was ever served by them."""
    wrong = released(report)
    if len(report["acts"]) != 1:
        wrong.append("the tag was not pushed again")
    if "v21-unseen-fail100" in report["versions"]:
        wrong.append(f"bytes that no canary ran have answered: {report['versions']}")
    return wrong


def fix_judged(report: Report) -> list[str]:
    """The fix of a version that was reverted has the same tag: the canary serves it, and then the
    primary."""
    wrong = at_rest(report)
    if not report["primary_image"].endswith(":v22-fixed"):
        wrong.append(f"the primary runs {report['primary_image']}")
    if not report["errors_from_canary"]:
        wrong.append("the bad version failed no request, so nothing was shown")
    if report["errors"] != report["errors_from_canary"]:
        wrong.append("requests failed that the canary did not serve")
    failing = report["failing_versions"]
    if failing != ["v22-bad-fail30"]:
        wrong.append(f"requests failed of {failing}")
    if not report["canary_answers"].get("v22-fixed"):
        wrong.append("the canary never served the fix")
    return wrong


def capacity_kept(report: Report) -> list[str]:
    """The canary turned bad at 100 %, and the primary could carry what came back at once."""
    wrong = at_rest(report) + old_version(report) + alarm_heard(report)
    if report["weights"] != [0, 50, 100, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if not report["errors_from_canary"] - report["refused_by_canary"]:
        wrong.append("the canary failed no request, so nothing was shown")
    if report["refused"]:
        counts = [scaled["tasks"] for scaled in report["scaled"] if scaled["service"] == "example1"]
        wrong.append(
            f"{report['refused']} of {report['requests']} requests were refused for lack of"
            f" capacity; autoscaling gave the primary {counts} tasks"
        )
    if report["scaling"] != report["scaling_before"]:
        wrong.append(f"{report['scaling']} scales, and {report['scaling_before']} did before")
    others = report["errors"] - report["refused"]
    others -= report["errors_from_canary"] - report["refused_by_canary"]
    if others:
        wrong.append(f"{others} requests failed that neither was refused nor the canary's")
    return wrong


def capacity_lost(report: Report) -> list[str]:
    """The same where nothing keeps autoscaling from taking the primary's tasks."""
    wrong = at_rest(report) + old_version(report)
    if not report["refused"]:
        wrong.append("no request was refused, so the guard was of no use")
    return wrong


MOST_LOAD = 1.3
"""Of what a task of the primary carried at rest."""


def evenly_loaded(report: Report) -> list[str]:
    """At no step did a task of the canary carry much more than one of the primary did at rest."""
    wrong = at_rest(report)
    rest = report["rest"].get("primary")
    loads = {s["weight"]: s["per_task"].get("canary") for s in report["steps"] if s["weight"]}
    if rest is None or not all(loads.values()):
        return [*wrong, f"too few requests to tell: {rest} at rest, {loads} at the steps"]
    if report["errors"]:
        wrong.append(f"{report['errors']} requests failed")
    if len(loads) < 4:
        wrong.append(f"only the steps {sorted(loads)} were seen")
    if loads[min(loads)]["tasks"] >= loads[max(loads)]["tasks"]:
        wrong.append(f"the canary did not grow with its weight: {loads}")
    for weight, load in loads.items():
        # A task that came in the middle has fewer, and would make the mean look small.
        share = load["per_second"] * load["busiest"] / load["requests"] / rest["per_second"]
        if share > MOST_LOAD:
            wrong.append(f"at {weight} % a task of the canary carried {share:.2f} of one at rest")
    return wrong


def promoted_by_pipeline(report: Report) -> list[str]:
    """The canary served everything for a while, and the event of `main` promoted it."""
    full = next((s for s in report["steps"] if s["weight"] == 100), None)
    if full is None or full["canary_requests"] != full["requests"]:
        return [f"not all traffic was on the canary at its gate: {full}"]
    wrong = at_rest(report) + no_errors(report)
    if report["signals"] != ["promote by pipeline checkout-main"]:
        wrong.append(f"the ledger says {report['signals']}")
    if not report["primary_image"].endswith(example("start_on_image")["detail"]["image-digest"]):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def resumed(report: Report) -> list[str]:
    """A person resumed it at its gate."""
    wrong = released(report)
    if report["signals"] != ["resume by jane (claimed)"]:
        wrong.append(f"the ledger says {report['signals']}")
    return wrong


def promoted_in_slack(report: Report) -> list[str]:
    """A person promoted it by a click, and the thread tells it from start to end."""
    wrong = released(report)
    if report["signals"] != ["promote by jane (Slack U2CERLKJA)"]:
        wrong.append(f"the ledger says {report['signals']}")
    titles = [title.partition(": ")[2] for title in report["chat"]]
    if titles[:1] != ["a release has started"] or titles[-1:] != ["Released"]:
        wrong.append(f"the thread in Slack is {titles}")
    return wrong


def superseded(report: Report) -> list[str]:
    """The newer release took over."""
    wrong = at_rest(report) + no_errors(report)
    if report["others"] != ["Released"]:
        wrong.append(f"the newer release ended {report['others']}")
    if not report["primary_image"].endswith(":v10"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def queued(report: Report) -> list[str]:
    """Of those that waited only the newest was released."""
    wrong = at_rest(report) + no_errors(report)
    if report["others"] != ["Rejected", "Released"]:
        wrong.append(f"those that waited ended {report['others']}")
    if not report["primary_image"].endswith(":v13"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def binomial_interval(n: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The central interval of a binomial count: each tail outside it is at most half the rest."""
    tail = (1 - confidence) / 2
    terms = [
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(share)
            + (n - k) * math.log1p(-share)
        )
        for k in range(n + 1)
    ]
    low, below = 0, terms[0]
    while below <= tail:
        low += 1
        below += terms[low]
    high, above = n, terms[n]
    while above <= tail:
        high -= 1
        above += terms[high]
    return low, high
