"""Page: a report as one HTML file, which loads nothing, runs nothing and reads years later."""

import base64
import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from stepcanary.domain.judged import AlarmSeen, Judged, MetricSeen
from stepcanary.domain.picture import Picture
from stepcanary.domain.visible import line
from stepcanary.report import bars, metering, timeline, words
from stepcanary.report.charts import both, box, frame, stroke, table
from stepcanary.report.facts import Facts
from stepcanary.report.markup import Part, element, html, raw

SECOND = 1_000
LONGEST_WHY = 200
"""Characters of the reason below the headline; the whole of it is with the decisions."""
STYLE = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
SCRIPT_ENDS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""What JSON writes otherwise where a page would end a script at it."""


def page(facts: Facts) -> str:
    picture = facts.picture
    style_hash = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{picture.service}: {words.headline(picture)}"),
        raw("style", STYLE),
    )
    body = element("body", element("main", *_parts(facts)), _data(facts))
    return html(element("html", head, body, lang="en"))


def _data(facts: Facts) -> Element:
    text = json.dumps(facts.document, indent=1)
    for character, written in SCRIPT_ENDS.items():
        text = text.replace(character, written)
    return raw("script", text, type="application/json", id="report")


def _parts(facts: Facts) -> Iterator[Part]:
    yield from _head(facts)
    yield from _timeline(facts)
    yield from _metrics(facts)
    yield from _exposure(facts.picture)
    yield from _changed(facts)
    yield from _decisions(facts.picture)
    yield from _way_back(facts.picture)
    yield from _warned(facts.picture)
    yield from _history(facts)
    yield from _evidence(facts)


def _head(facts: Facts) -> Iterator[Part]:
    picture = facts.picture
    kind = (
        "bad"
        if words.outcome(picture) in words.FAILED
        else "good"
        if picture.outcome == "Released"
        else "running"
    )
    outcome = element("span", words.outcome(picture), class_=f"outcome outcome-{kind}")
    yield element("p", outcome, " ", element("strong", picture.service))
    yield element("h1", words.headline(picture))
    why, cause = words.why(picture), line(picture.cause)
    short = words.cut(why[:1].upper() + why[1:], LONGEST_WHY)
    sentences = [cause] if why in cause else [short, cause]
    yield from (element("p", _sentence(each), class_="why") for each in sentences if each)
    ended = words.moment(picture.ended_at) if picture.ended_at is not None else "not over"
    yield _facts(
        ("began", words.moment(picture.started_at)),
        ("ended", ended),
        ("before", words.short(picture.before)),
        ("version", words.version(picture)),
        ("started by", picture.by),
        ("from push to Released", words.lead(facts)),
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "…")) else f"{text}."


def _facts(*named: tuple[str, str]) -> Element:
    """What is empty is not shown."""
    shown = [
        element("div", element("dt", name), element("dd", value)) for name, value in named if value
    ]
    return element("dl", *shown)


def _timeline(facts: Facts) -> Iterator[Part]:
    yield element("h2", "Timeline")
    chart = both(lambda width: timeline.timeline(facts, width))
    yield chart
    swatches = [
        ("weight as read back", stroke(0, 7, 22, 7, "real")),
        ("as planned, if nothing had held it", stroke(0, 7, 22, 7, "planned")),
        ("share that was counted", element("circle", cx=11, cy=7, r=2.2, class_="dot")),
        ("the router follows", box(0, 1, 22, 12, "wait-settle")),
        ("bake", box(0, 1, 22, 12, "wait-bake")),
        ("held bake", box(0, 1, 22, 12, "wait-held")),
        ("waits for a person", box(0, 1, 22, 12, "wait-person")),
        ("canary's tasks", box(0, 4, 22, 7, "tasks-canary")),
        ("primary's tasks", box(0, 4, 22, 7, "tasks-primary")),
        *((said, _mark(kind)) for kind, said in words.NEXTS.items()),
        ("a signal", _mark("signal")),
        ("somebody else wrote", _mark("foreign")),
    ]
    has = {each.get("class") for each in chart.iter()}
    shown = [(said, swatch) for said, swatch in swatches if swatch.get("class") in has]
    yield _legend(shown, "What the marks mean")
    yield element("p", "Times are by UTC.", class_="small soft")
    yield timeline.behind(facts)


def _mark(kind: str) -> Element:
    return element(
        "g",
        element("circle", r=8),
        element("path", d=timeline.MARKS[kind]),
        transform="translate(11 9)",
        class_=f"mark mark-{kind}",
    )


def _legend(swatches: list[tuple[str, Element]], label: str) -> Element:
    items = []
    for said, swatch in swatches:
        high = 18 if swatch.tag == "g" else 14
        drawn = frame(22, high, said, swatch)
        del drawn.attrib["role"], drawn.attrib["aria-label"]
        drawn.set("aria-hidden", "true")
        items.append(element("li", drawn, said))
    return element("ul", *items, class_="legend", aria_label=label)


def _metrics(facts: Facts) -> Iterator[Part]:
    yield element("h2", "What was counted")
    picture = facts.picture
    if not picture.metrics:
        yield element("p", "Nothing: no judge counts for this release, its alarms decide.")
    for metric in picture.metrics:
        yield from _metric(facts, metric)
    if picture.alarms:
        yield element("p", f"Alarms: {', '.join(picture.alarms)}")


def _metric(facts: Facts, metric: MetricSeen) -> Iterator[Part]:
    yield element("h3", f"{metric.metric}: {words.says(metric)}")
    share = f"Share of {words.bad_answers(metric)}, over the whole release"
    if words.is_of_log(metric):
        share += "; of the primary what its new tasks have answered, once they had weight"
    yield element("p", share, class_="small soft")
    if unread := words.unread(metric):
        yield element("p", _sentence(unread), class_="small soft")
    yield both(lambda width: metering.rates(metric, width))
    if any(metric.metric in row.counts for row in facts.rows):
        yield element("p", "The same over time", class_="small soft")
        yield both(lambda width: metering.over_time(facts, metric, width))
        swatches = [
            ("canary", stroke(0, 7, 22, 7, "line-canary")),
            ("primary", stroke(0, 7, 22, 7, "line-primary")),
        ]
        yield _legend(swatches, "Lines")
    of_what = f"Evidence, to 1: that {words.judged(metric)} is worse, and that it is good"
    yield element("p", of_what, class_="small soft")
    yield both(lambda width: metering.evidence(metric, width))
    yield metering.behind(facts, metric)


def _exposure(picture: Picture) -> Iterator[Part]:
    cost = picture.exposure
    if cost is None:
        return
    yield element("h2", "What it cost")
    at_once = words.all_at_once(picture)
    yield _facts(
        ("bad answers of the canary", f"{cost.failed:,}"),
        ("of its requests", f"{cost.requests:,}"),
        ("by the primary, once it had the traffic", words.by_new_tasks(cost)),
        (
            "more than its limit allows"
            if words.is_of_log(words.bounded_metric(picture))
            else "more than the primary's, where compared",
            "" if cost.excess is None else f"{cost.excess:,.0f}",
        ),
        ("budget left", "" if cost.left is None else f"{cost.left:,.0f}"),
        ("the same fault all at once", "" if at_once is None else f"{at_once:,}"),
    )
    parts = [f"By the metric {cost.metric}, {words.scope(picture)}."]
    if cost.is_by_two:
        parts.append(f"How many are more and how many are left is by {cost.bounded}.")
    if at_once is not None:
        parts.append(
            "All at once is the canary's share of bad answers, of all requests that both sides had."
        )
    yield element("p", " ".join(parts), class_="small soft")


def _changed(facts: Facts) -> Iterator[Part]:
    picture = facts.picture
    yield element("h2", "What changed")
    if picture.images:
        rows = [[each.container, each.before or "not known", each.after] for each in picture.images]
        yield table("Images", ["container", "before", "after"], rows)
    if picture.changes:
        yield element("ul", *(element("li", each) for each in picture.changes))
    if not (picture.images or picture.changes):
        yield element("p", "Nothing that is known.")
    past = facts.past or {}
    if past.get("commit"):
        yield element("p", "Commit ", element("code", past["commit"]))
    if link := past.get("link"):
        yield element("p", _link(str(link)))
    if picture.tasks:
        rows = [
            [side, each.service, each.revision, f"{each.running} of {each.desired}"]
            for side, each in picture.tasks.items()
        ]
        yield table("Tasks now", ["side", "service", "revision", "running"], rows)


def _link(link: str) -> Part:
    """Only what a browser opens as a page."""
    try:
        is_page = urlsplit(link).scheme in ("https", "http")
    except ValueError:
        is_page = False
    return element("a", link, href=link, rel="noreferrer noopener") if is_page else link


def _decisions(picture: Picture) -> Iterator[Part]:
    rows = [
        [words.moment(v.at), _where(v), f"verdict: {words.NEXTS[v.next]}", v.reason, _saw(v)]
        for step in (*picture.steps, *picture.return_steps)
        for v in step.verdicts
    ]
    rows += [
        [words.moment(s.at * SECOND), "", f"{s.kind} by {s.by or 'somebody'}", s.reason, ""]
        for s in picture.signals
    ]
    rows += [
        [words.moment(said.at), "", "the promotion failed", said.reason, ""]
        for said in picture.failures
    ]
    rows += [
        [words.moment(said.at), "", "somebody else wrote", said.reason, ""]
        for said in picture.foreign
    ]
    yield element("h2", "Decisions")
    if not rows:
        yield element("p", "None yet.")
        return
    heads = ["time", "where", "what", "why", "what it saw"]
    yield table("Verdicts, signals, failures and foreign writes", heads, sorted(rows))


def _where(verdict: Judged) -> str:
    way = "way back, " if verdict.returning else ""
    return f"{way}step {verdict.step + 1}, {verdict.weight}\N{NO-BREAK SPACE}%"


def _saw(verdict: Judged) -> str:
    parts = [f"{a.name} {a.state}{f' ({why})' if (why := _why(a)) else ''}" for a in verdict.alarms]
    parts += [f"{m.metric}: {words.numbers(m)}" for m in verdict.metrics]
    return "; ".join(parts)


def _why(alarm: AlarmSeen) -> str:
    """With the numbers of one that has fired; those of the others were no reason for anything."""
    return "; ".join(filter(None, (alarm.reason if alarm.fired else "", alarm.blind)))


def _way_back(picture: Picture) -> Iterator[Part]:
    back = picture.returning
    if back is None:
        return
    yield element("h2", "The return of the weights")
    began = back.began_at

    def after(at: int) -> str:
        return f"{(at - began) / SECOND:.1f} s"

    rows = [[words.moment(began), after(began), "the weights return to the primary"]]
    rows += [[words.moment(r.at), after(r.at), f"read: canary {r.weight} %"] for r in back.reads]
    if back.rested_at is not None:
        rest = "all weight was read on the primary"
        rows.append([words.moment(back.rested_at), after(back.rested_at), rest])
    yield table("Reads of the weights", ["time", "after", "what"], rows)


def _warned(picture: Picture) -> Iterator[Part]:
    if picture.warnings:
        yield element("h2", "What the plan has warned of")
        yield element("ul", *(element("li", each) for each in picture.warnings))


def _history(facts: Facts) -> Iterator[Part]:
    if not facts.history:
        return
    yield element("h2", f"The last releases of {facts.picture.service}")
    yield both(lambda width: bars.bars(facts, width))
    swatches = [
        ("✓ Released", box(0, 1, 22, 12, "past-released")),
        ("✕ Reverted, or ! failed", box(1, 1, 20, 12, "past-reverted")),
        ("… Running", box(1, 1, 20, 12, "past-running")),
    ]
    yield _legend(swatches, "Bars")
    yield element(
        "p",
        "The height is the square root of how long each took; ▲ is this one.",
        class_="small soft",
    )
    if facts.summary:
        yield element("p", facts.summary)
    yield bars.behind(facts)


def _evidence(facts: Facts) -> Iterator[Part]:
    picture = facts.picture
    yield element("h2", "Evidence")
    yield element("p", "Execution ", element("code", picture.execution))
    yield element("p", "SHA-256 of the evidence ", element("code", facts.sha256))
    yield element(
        "p",
        "All numbers are in this page as JSON, in the script with the id report. The hash is of"
        " its key evidence, written with sorted keys and without spaces. What the judge of today"
        " would say of this release tells ",
        element("code", "stepcanary replay --from FILE"),
        ", where FILE is this page.",
        class_="small soft",
    )
