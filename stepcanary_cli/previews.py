"""Previews: what a release would be like, as text for people."""

from stepcanary.domain.durations import duration
from stepcanary_cli.outcomes import Answer
from stepcanary_cli.showing import columns, inspected, seen_by
from stepcanary_cli.times import moment


def previewed(found: Answer) -> str:
    """What a check says comes first."""
    lines = [*inspected(found), ""]
    for answer in found["answers"]:
        findings = "; ".join(answer["findings"])
        why = f": {findings}" if findings else ""
        lines.append(f"  {'no: ' if findings else 'yes:'} {answer['asked']}{why}")
    if found["steps"]:
        lines += ["", *_timeline(found)]
    if ramp := found.get("ramp"):
        lines += ["", *_ramp(ramp)]
    lines += [f"note: {note}" for note in found["notes"]]
    return "\n".join(lines)


def _timeline(found: Answer) -> list[str]:
    lines = [
        f"{duration(found['seconds'])} if nothing holds it, {duration(found['longest'])} at most"
        " with every hold and gate, beside what tasks take to start"
    ]
    if traffic := found["traffic"]:
        lines.append(
            f"Assumed: requests per minute {traffic['requests_per_minute']:,}, as in the busiest of"
            f" {traffic['minutes']:,}, {moment(traffic['busiest_at'])}; bad answers"
            f" {100 * traffic['bad_share']:.3g} %"
        )
    lines += seen_by(found)
    rows = [
        (
            f"{step['weight']} %",
            duration(step["begins_at"]),
            f"{duration(step['bake_seconds'])}, {step['settle_seconds']} s to settle",
            f"{step['holds']} times",
            f"{step['tasks']} of {found['primary_tasks']}",
            _number(step["failed"]),
            _seen(step),
        )
        for step in found["steps"]
    ]
    head = (
        "weight",
        "begins",
        "bake",
        "held at most",
        "tasks",
        "fail at most",
        "traffic off after",
    )
    return [*lines, *columns(head, rows)]


def _number(failed: int | None) -> str:
    return "not known" if failed is None else f"{failed:,}"


def _seen(step: Answer) -> str:
    if step["failed"] is None:
        return "not known"
    return "not sure to be seen" if step["seconds"] is None else duration(step["seconds"])


def _ramp(ramp: Answer) -> list[str]:
    rows = [
        (
            f"{step['weight']} %",
            duration(step["bake_seconds"]),
            f"{step['failed']:,}",
            "" if step["within"] else "over the budget",
        )
        for step in ramp["steps"]
    ]
    longer = f"{duration(ramp['longer_by'])} longer than" if ramp["longer_by"] else "no longer than"
    lines = [
        f"For {ramp['budget']:,} failed requests: {duration(ramp['seconds'])},"
        f" {longer} the profile",
        *columns(("weight", "bake", "fail at most", ""), rows),
    ]
    if not all(step["within"] for step in ramp["steps"]):
        least = max(step["failed"] for step in ramp["steps"])
        lines.append(
            "No ramp keeps all steps within that: an outage just before a weight is written costs"
            " what it costs at that weight, and at last all traffic comes to the canary. A budget"
            f" of {least:,} does, or a faster alarm"
        )
    return lines
