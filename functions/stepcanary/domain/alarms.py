"""Alarms as CloudWatch describes them: what each says, and whether it can see at all."""

from collections.abc import Iterator

from stepcanary.domain.alarm_rule import Truth, parse_rule
from stepcanary.domain.model import Document
from stepcanary.domain.verdict import LONGEST_REASON, Alarm

Described = dict[str, Document]
"""Alarms by name, as DescribeAlarms has them, with the children of the composite ones."""


def children_of(described: Document) -> frozenset[str]:
    """The alarms that a composite alarm is made of; none for any other, or an unknown rule."""
    try:
        return parse_rule(described["AlarmRule"]).children if "AlarmRule" in described else _NONE
    except ValueError:
        return _NONE


STRANGE_RULE = "its rule is of a kind that this stack does not know; update the stack"
_NONE: frozenset[str] = frozenset()


def made_of(name: str, described: Described) -> list[str]:
    """The names of this alarm and of all that its rule, and theirs, ask about, also of alarms that
    do not exist."""
    names = [name]
    for each in names:
        children = sorted(children_of(described.get(each, {})))
        names += [child for child in children if child not in names]
    return names


def leaves_of(name: str, described: Described) -> Iterator[tuple[str, Document]]:
    """The alarms with data of their own that this one is made of, with their names: itself, unless
    it is a composite one. What does not exist is left out."""
    for each in made_of(name, described):
        if each in described and "AlarmRule" not in described[each]:
            yield each, described[each]


def seen(name: str, described: Described) -> Alarm | None:
    """The alarm as it stands; None where it does not exist.

    A composite alarm is OK whenever its rule is not met, also where its children see nothing. So it
    is taken for OK only where what they do see is enough to say so.
    """
    return _seen(name, described, _NONE)


def _seen(name: str, described: Described, parents: frozenset[str]) -> Alarm | None:
    found = described.get(name)
    if found is None:
        return None
    state, reason = found["StateValue"], found.get("StateReason", "")[:LONGEST_REASON]
    if state == "ALARM":
        return Alarm(name, state, reason, fired=True)
    if evaluation := found.get("EvaluationState"):
        # Whatever word it is: there is one only where something is wrong. See
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
        return Alarm(name, state, reason, blind=f"{evaluation}: {reason}" if reason else evaluation)
    if "AlarmRule" in found:
        return _composite(Alarm(name, state, reason), found["AlarmRule"], described, parents)
    return Alarm(name, state, reason)


def _composite(alarm: Alarm, text: str, described: Described, parents: frozenset[str]) -> Alarm:
    try:
        rule = parse_rule(text)
    except ValueError:
        # CloudWatch has taken it, so it is one of a kind that came later.
        return Alarm(alarm.name, alarm.state, alarm.reason, blind=STRANGE_RULE)
    above = parents | {alarm.name}
    # Composite alarms may go round in a circle, and what is above says nothing about itself.
    children = {
        name: None if name in above else _seen(name, described, above)
        for name in sorted(rule.children)
    }

    def is_in(name: str, state: str) -> Truth:
        child = children[name]
        if child is None or child.blind:
            return None
        if child.state == "INSUFFICIENT_DATA" and state != "INSUFFICIENT_DATA":
            return None
        return child.state == state

    if rule.condition(is_in) is False:
        return alarm
    troubles = [_trouble(name, child) for name, child in children.items() if name not in above]
    if blind := [trouble for trouble in troubles if trouble]:
        return Alarm(alarm.name, alarm.state, alarm.reason, blind="; ".join(blind)[:LONGEST_REASON])
    silent = [n for n, child in children.items() if child and child.state == "INSUFFICIENT_DATA"]
    reason = f"no data at its alarm {', '.join(silent)}" if silent else "its rule is met just now"
    return Alarm(alarm.name, "INSUFFICIENT_DATA", reason[:LONGEST_REASON])


def _trouble(name: str, child: Alarm | None) -> str:
    if child is None:
        return f"its alarm {name} does not exist"
    return f"its alarm {name}: {child.blind}" if child.blind else ""
