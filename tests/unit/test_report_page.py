"""The page of a report: whole, harmless, loading nothing, and with the picture's own numbers."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from stepcanary.domain.judged import AlarmSeen
from stepcanary.domain.picture import Wait
from stepcanary.report import charts, metering, timeline, words
from stepcanary.report.axis import Axis, lasting
from stepcanary.report.facts import Facts
from stepcanary.report.markdown import markdown
from stepcanary.report.page import page
from tests.unit.example_reports import (
    BEGAN,
    EXAMPLES,
    HOSTILE,
    a_bad,
    a_gated,
    a_good,
    a_held,
    a_hostile,
)

VOID = {"meta", "link", "br", "img", "input", "hr"}
LOADS = {"src", "srcset", "data", "poster", "action", "background", "xlink:href"}


class Read(HTMLParser):
    """What a browser makes of the page; an element that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.setdefault(self.open[-1] if self.open else "", []).append(data)

    @property
    def text(self) -> str:
        shown = {tag: said for tag, said in self.said.items() if tag not in ("style", "script")}
        return " ".join(each for said in shown.values() for each in said)

    @property
    def document(self) -> Any:
        [script] = self.said["script"]
        return json.loads(script)


# HTML leaves a "<" in an attribute as it is, and charts are read as XML here.
@pytest.fixture(params=sorted(EXAMPLES.keys() - {"hostile"}))
def facts(request: pytest.FixtureRequest) -> Facts:
    return EXAMPLES[request.param]()


def test_a_page_is_whole_and_loads_nothing(facts: Facts) -> None:
    found = Read(page(facts))
    for tag, attributes in found.tags:
        assert not LOADS & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert "style" not in attributes, tag
        assert tag not in ("link", "img", "iframe", "object", "embed", "use", "image"), tag
    [style] = found.said["style"]
    assert "url(" not in style
    assert "@import" not in style
    policies = [a["content"] for t, a in found.tags if t == "meta" and "http-equiv" in a]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    scripts = [attributes for tag, attributes in found.tags if tag == "script"]
    assert [each["type"] for each in scripts] == ["application/json"]


def test_each_chart_has_words_a_small_size_and_its_own_names(facts: Facts) -> None:
    text = page(facts)
    charts = [
        ElementTree.fromstring(each)  # noqa: S314 - we have made it
        for each in re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    ]
    large = [each for each in charts if each.get("role") == "img"]
    assert {each.get("class") for each in large} == {"wide", "narrow"}
    assert all(each.get("aria-label") for each in large)
    assert all(int(each.get("width", "")) <= 312 for each in large if each.get("class") == "narrow")
    for chart in large:
        width = float(chart.get("width", ""))
        for part in chart.iter("rect"):
            right = float(part.get("x", "")) + float(part.get("width", ""))
            assert 0 <= float(part.get("x", "")) <= right <= width + 1
    found = Read(text)
    headings = [tag for tag, _ in found.tags if tag in ("h1", "h2", "h3")]
    assert headings.count("h1") == 1
    folded = [tag for tag, _ in found.tags if tag in ("details", "summary")]
    assert folded.count("details") == folded.count("summary") >= len(large) / 2 / 3
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_evidence_is_in_the_page_with_its_hash(facts: Facts) -> None:
    found = Read(page(facts))
    assert found.document == json.loads(json.dumps(facts.document))
    canonical = json.dumps(found.document["evidence"], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert found.document["sha256"] == digest
    assert digest in found.text


def test_the_hash_is_of_the_release_alone_and_changes_with_it() -> None:
    bad = a_bad()
    assert replace(bad, history=[], summary="").sha256 == bad.sha256
    assert replace(bad, rows=bad.rows[1:]).sha256 != bad.sha256


def test_whatever_others_have_said_is_text() -> None:
    text = page(a_hostile())
    plain, found = Read(page(a_held())), Read(text)
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in plain.tags}
    known = {name for _, attributes in plain.tags for name in attributes}
    assert {name for _, attributes in found.tags for name in attributes} <= known
    assert len(found.said["script"]) == len(found.said["style"]) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in found.text
    assert not [a for tag, a in found.tags if tag == "a"]
    # The document has them as they were.
    assert found.document["evidence"]["picture"]["service"] == HOSTILE


def test_the_numbers_are_those_of_the_picture() -> None:
    facts = a_bad()
    picture, said = facts.picture, Read(page(facts)).text
    cost = picture.exposure
    assert cost is not None
    for metric in picture.metrics:
        assert f"({metric.canary_bad:,} of {metric.canary:,})" in said
        assert f"({metric.primary_bad:,} of {metric.primary:,})" in said
    [errors] = [m for m in picture.metrics if m.metric == cost.metric]
    assert errors.canary == sum(row.counts["errors"][0] for row in facts.rows)
    at_once = errors.canary_bad / errors.canary * (errors.canary + errors.primary)
    assert f"the same fault all at once {round(at_once):,}" in " ".join(
        [*(pair for dt in zip(*_facts(page(facts)), strict=True) for pair in dt)]
    )
    for without_fault in (a_good(), a_held(), a_gated()):
        assert "all at once" not in Read(page(without_fault)).text
    assert "Reverted" in said
    assert "shop:v2 was reverted to shop:v1 after 5 min 45 s, started by jane" in said


def test_an_alarm_that_fired_is_told_with_what_it_saw() -> None:
    facts = a_held()
    step, *others = facts.picture.steps
    saw = "Threshold Crossed: 1 datapoint [12.0]"
    fired = AlarmSeen(name="five", state="ALARM", fired=True, reason=saw)
    calm = AlarmSeen(name="six", state="OK", reason="1 datapoint [0.0]")
    verdicts = [v.model_copy(update={"alarms": [fired, calm]}) for v in step.verdicts]
    steps = [step.model_copy(update={"verdicts": verdicts}), *others]
    picture = facts.picture.model_copy(update={"steps": steps})
    said = Read(page(replace(facts, picture=picture))).text
    assert f"five ALARM ({saw}); six OK; " in said


def test_all_at_once_is_by_what_one_metric_has_counted() -> None:
    facts = a_bad()
    assert words.all_at_once(facts.picture)
    metrics = [m.model_copy(update={"excess": 0.0}) for m in facts.picture.metrics]
    assert facts.picture.exposure is not None
    cost = facts.picture.exposure.model_copy(update={"bounded": "access", "excess": 50.0})
    picture = facts.picture.model_copy(update={"metrics": metrics, "exposure": cost})
    assert words.all_at_once(picture) is None
    said = Read(page(replace(facts, picture=picture))).text
    assert "How many are more and how many are left is by access." in said
    assert "is by" not in Read(page(facts)).text


def test_lines_that_could_not_be_read_are_told() -> None:
    facts = a_held()
    assert "could not be read" not in page(facts)
    metrics = [m.model_copy(update={"unread": 1_234}) for m in facts.picture.metrics]
    made = replace(facts, picture=facts.picture.model_copy(update={"metrics": metrics}))
    said = "1,234 lines of its log could not be read"
    assert f"{said}." in Read(page(made)).said["p"]
    assert markdown(made).count(said) == len(metrics)


def test_the_headline_is_short_whatever_is_said() -> None:
    facts = a_bad()
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team"
    picture = facts.picture.model_copy(
        update={"version": f"{registry}/shop:v2, {registry}/proxy:v7", "cause": "x" * 2_000}
    )
    picture = picture.model_copy(update={"last": None})
    found = Read(page(replace(facts, picture=picture)))
    [head] = found.said["h1"]
    assert head.startswith("shop:v2, proxy:v7 was reverted to shop:v1 after")
    assert len(head) < 320
    assert "x" * 2_000 in found.text


def test_a_column_without_a_word_is_left_out() -> None:
    text = page(a_held())
    assert "what it saw" in Read(text).text
    made = charts.table("c", ["a", "b"], [["1", ""], ["2", ""]])
    assert [each.text for each in made.iter("th")] == ["a"]


def _facts(text: str) -> tuple[list[str], list[str]]:
    found = Read(text)
    return found.said["dt"], found.said["dd"]


def test_lead_time_is_shown_only_where_somebody_said_when_it_was_pushed() -> None:
    good = a_good()
    assert "from push to Released" in Read(page(good)).text
    assert good.past is not None
    ahead = datetime.fromtimestamp(good.picture.started_at / 1_000 + 1, UTC).isoformat()
    for pushed_at in (None, ahead, "2999-01-01T00:00:00Z"):
        silent = replace(good, past={**good.past, "pushed_at": pushed_at})
        assert "from push to Released" not in Read(page(silent)).text
    rollback = replace(good, past={**good.past, "rollback": True})
    assert "from push to Released" not in Read(page(rollback)).text


def test_a_day_at_a_gate_leaves_room_for_the_rest() -> None:
    facts = a_held()
    axis = Axis.of(facts.picture, 0, 1_000)
    [(begun, ended)] = axis.squeezed
    assert ended - begun > 0.9 * (axis.end - axis.begin)
    assert axis.at(ended) - axis.at(begun) < 300
    moments = [axis.at(axis.begin + n * 1_000_000) for n in range(63)]
    assert moments == sorted(moments)
    assert all(0 <= each <= 1_000 for each in moments)
    ticks = [x for x, _ in axis.ticks()]
    assert 2 < len(ticks) < 20
    assert not [x for x in ticks if axis.at(begun) < x < axis.at(ended)]


def test_waits_that_overlap_are_squeezed_once() -> None:
    waits = [(0, 900_000), (100_000, 950_000), (960_000, 970_000)]
    axis = Axis(0, 1_000_000, waits, 0, 100)
    assert axis.squeezed == [(0, 950_000)]
    moments = [axis.at(at) for at in range(0, 1_000_001, 10_000)]
    assert moments == sorted(moments)
    assert 0 <= moments[0] < moments[-1] <= 100


def test_counts_with_a_clock_of_their_own_have_an_axis_of_their_own() -> None:
    """As a sandbox's, in which a minute is a second."""
    facts = a_bad()
    assert metering.axis_of(facts, 800).begin == facts.picture.started_at
    rows = [row.model_copy(update={"at": row.at + 86_400}) for row in facts.rows]
    axis = metering.axis_of(replace(facts, rows=rows), 800)
    assert (axis.begin, axis.end) == (1_000 * rows[0].at, 1_000 * (rows[-1].at + 60))
    dots = 'class="dot" />', 'class="dot"></circle>'
    count = sum(page(facts).count(each) for each in dots)
    assert count > sum(page(replace(facts, rows=rows)).count(each) for each in dots)


def test_a_period_lasts_no_longer_than_until_the_next_one() -> None:
    rows = a_bad().rows
    assert lasting(rows) == rows
    assert lasting(rows[:1] + rows[2:]) == rows[:1] + rows[2:]
    quick = [row.model_copy(update={"at": BEGAN + n}) for n, row in enumerate(rows)]
    assert {row.period for row in lasting(quick)} == {1}
    # Two metrics that are counted side by side do not shorten each other's periods.
    beside = [
        row.model_copy(update={"at": row.at + 10, "counts": {"logs": (1, 0, 1, 0)}}) for row in rows
    ]
    both = sorted([*rows, *beside], key=lambda row: row.at)
    assert lasting(both) == both
    assert lasting([]) == []


def test_the_legend_has_the_marks_that_are_there() -> None:
    good, held = Read(page(a_good())), Read(page(a_held()))
    assert {"bake", "goes on", "primary's tasks"} <= {*good.said["li"]}
    assert "held bake" not in good.said["li"]
    assert {"held bake", "somebody else wrote"} <= {*held.said["li"]}
    assert "primary's tasks" not in held.said["li"]


def test_a_bake_that_goes_on_after_a_pause_is_not_held() -> None:
    facts = a_good()
    first, *others = facts.picture.steps
    [bake] = [wait for wait in first.waits if wait.kind == "bake"]
    pause = bake.model_copy(update={"kind": "pause"})

    def names(*waits: Wait) -> list[str]:
        steps = [first.model_copy(update={"waits": waits}), *others]
        picture = facts.picture.model_copy(update={"steps": steps})
        return [words.wait_name(w, held=h) for w, h in timeline.named_waits(picture)][: len(waits)]

    assert names(bake, bake) == [words.WAITS["bake"], words.HELD]
    assert names(bake, pause, bake) == [words.WAITS[kind] for kind in ("bake", "pause", "bake")]


def test_verdicts_that_come_close_together_have_room_beside_each_other() -> None:
    """Of holds in quick succession, each is where no other lies, as long as there are rows."""
    facts = a_held()
    step = next(each for each in facts.picture.steps if each.verdicts)
    first = step.verdicts[0]
    holds = [first.model_copy(update={"at": first.at + 1_000 * n}) for n in range(40)]
    steps = [
        each.model_copy(update={"verdicts": holds if each is step else []})
        for each in facts.picture.steps
    ]
    told = replace(facts, picture=facts.picture.model_copy(update={"steps": steps}))
    drawn = timeline.timeline(told, 800)
    found = [each for each in drawn.iter() if (each.get("class") or "").startswith("mark mark-")]
    verdicts = found[: len(holds)]
    rows = [re.findall(r"[\d.]+", each.attrib["transform"])[1] for each in verdicts]
    assert len({*rows[: timeline.MOST_ROWS]}) == timeline.MOST_ROWS
    assert {rows.count(row) for row in rows} <= {6, 7}


def test_why_stands_below_the_headline_and_is_said_once() -> None:
    held = Read(page(a_held())).said["p"]
    assert held[1:3] == [
        "Revert by john: a customer has called.",
        "All traffic is on the primary again.",
    ]
    facts = a_held()
    whole = "All traffic is back. revert by john: a customer has called"
    told = replace(facts, picture=facts.picture.model_copy(update={"cause": whole}))
    assert Read(page(told)).said["p"][1] == f"{whole}."
    assert Read(page(told)).text.count("a customer has called.") == 1


def test_the_line_of_the_plan_ends_with_its_last_bake() -> None:
    """It does not say that all traffic stays with the canary while the primary is replaced."""
    facts = a_good()
    until = facts.picture.planned_until
    assert until is not None
    assert until > facts.picture.planned[-1].at

    def length(ends: int | None) -> float:
        picture = facts.picture.model_copy(update={"planned_until": ends})
        drawn = timeline.timeline(replace(facts, picture=picture), 800)
        [path] = [each.attrib["d"] for each in drawn.iter() if each.get("class") == "planned"]
        xs = [float(x) for x in re.findall(r"[\d.]+", path)[::2]]
        return xs[-1] - xs[0]

    assert 0 < length(until) < length(None)


def test_a_bake_that_is_repeated_is_held() -> None:
    held = [wait.at for wait, is_held in timeline.named_waits(a_held().picture) if is_held]
    assert held == [1_000 * (BEGAN + 415), 1_000 * (BEGAN + 720)]


def test_a_long_release_is_summed_and_loses_nothing() -> None:
    rows = a_good().rows * 20
    points = metering.summed(rows, "errors")
    assert len(points) <= metering.MOST_POINTS
    for n in range(4):
        assert sum(counts[n] for _, counts in points) == sum(r.counts["errors"][n] for r in rows)
