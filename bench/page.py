"""Page: docs/benchmarks.md, from what the benchmarks have written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from bench.report import Figures, is_stale, read

PAGE = Path("docs/benchmarks.md")
HEAD = """# Benchmarks
"""
ABOUT = (
    "`make bench` runs all of them and writes this page from what they have found: one after the"
    " other, but for those that only count, which share the cores. Each runs alone too, by the"
    " command that is named with it, and writes `build/bench/<name>.json`. A part is *stale*"
    " when the code that it depends on has changed since."
    " The machines are shared and noisy: compare ratios of one run, not seconds of two."
)
WIDTH = 112

Table = Iterator[list[Any]]


@dataclass(frozen=True)
class Part:
    """A benchmark: the module that runs it, and what a reader has to know. `table` begins with its
    head."""

    name: str
    module: str
    title: str
    method: str
    limits: str
    table: Callable[[Figures], Table]
    more: str = ""
    counts: bool = False
    """It takes one core and times nothing, so that another may run beside it."""

    @property
    def target(self) -> str:
        return f"bench-{self.name}"

    @property
    def report(self) -> str:
        return self.name.replace("-", "_")


def _cost(figures: Figures) -> Table:
    yield ["of one release", "stepcanary", "AWS's sample"]
    for key, title in (
        ("release_seconds", "seconds"),
        ("states", "states entered"),
        ("invocations", "functions invoked"),
        ("calls", "calls of AWS"),
        ("function_ms", "milliseconds of functions"),
        ("dollars", "dollars"),
    ):
        sides = (figures[name].get(key) for name in ("stepcanary", "sample"))
        yield [title, *("" if side is None else f"{side:,}" for side in sides)]


def _reaction(figures: Figures) -> Table:
    yield [
        "seconds from an alarm's event to",
        "median",
        "worst",
        "of what it took by the execution",
    ]
    for title, key in (("weight 0", ""), ("the canary's last answer", "last_request_")):
        median, worst = (f"{figures[f'{of}_{key}seconds']:.3f}" for of in ("median", "worst"))
        yield [title, median, worst, figures[f"ratio_to_before_{key}seconds"]]


def _cold_start(figures: Figures) -> Table:
    yield ["function", "CPU seconds", "of boto3 alone", "of the package without layers"]
    handlers = {name: of for name, of in figures.items() if "cpu_seconds" in of}
    slowest = max(handlers, key=lambda name: handlers[name]["ratio"])
    fastest = min(handlers, key=lambda name: handlers[name]["ratio"])
    for name in dict.fromkeys((fastest, "relay_alarm", "revert", slowest)):
        of = handlers[name]
        yield [f"`{name}`", of["cpu_seconds"], of["ratio"], of["ratio_to_before"]]


def _scale(figures: Figures) -> Table:
    questions = {name: of for name, of in figures.items() if name != "measured"}
    sizes = list(next(iter(questions.values())))
    yield ["read units of a question, services", *(f"{int(size):,}" for size in sizes)]
    for name, costs in questions.items():
        yield [name, *(costs[size]["read_units"] for size in sizes)]


def _load(figures: Figures) -> Table:
    yield ["calls", "throttled", "share of the rate in the worst minute"]
    rates = sorted(figures["rates"].items(), key=lambda each: -each[1]["share_of_rate"])
    for name, rate in rates[:6]:
        calls = f"{rate['throttled']} of {rate['calls']:,}"
        yield [name, calls, f"{rate['share_of_rate']:.0%}"]


def _judge(figures: Figures) -> Table:
    yield ["", "false reverts: mean", "worst kind", "bad ones found"]
    null = [cell["systems"] for cell in figures["cells"] if cell["null"]]
    bad = [cell["systems"] for cell in figures["cells"] if not cell["null"]]
    for name in null[0]:
        false = [cell[name]["false_reverts"] for cell in null]
        found = [cell[name]["found"] for cell in bad]
        means = (sum(false) / len(false), max(false), sum(found) / len(found))
        yield [name, *(f"{share:.2%}" for share in means)]


def _exposure(figures: Figures) -> Table:
    faults = list(next(iter(figures["ratio_to_best"].values())))
    yield ["failed requests, of the best documented default", *faults]
    for system, ratios in figures["ratio_to_best"].items():
        yield [system, *(ratios[fault]["ratio"] for fault in faults)]


PARTS = [
    Part(
        "cost",
        "bench.cost",
        "What a release costs",
        "A good release with the default steps, the real definition and handlers, on a virtual"
        " clock. AWS's sample is counted along its own definition: 10 % a minute, and the"
        " same deployment.",
        "List prices from memory, without the table, the logs and any free tier. A call is taken to"
        " last 20 to 60 ms, one of the table 3 to 10, and a function's own time is left out.",
        _cost,
        counts=True,
    ),
    Part(
        "reaction",
        "bench.reaction",
        "From an alarm to weight 0",
        "Releases under 200 requests a second, with a real Envoy, that an alarm reverts in the"
        " middle of a bake; in every second one the return is left to the execution.",
        "EventBridge and Step Functions take no time here, and functions are warm.",
        _reaction,
        "[Returned at once](adr/0038-returned-at-once.md)",
    ),
    Part(
        "cold-start",
        "bench.cold_start",
        "Cold starts",
        "CPU seconds of a fresh process until the handler is loaded and has its clients, in turn"
        " with boto3 alone and with the package as it was before it had layers.",
        "x86 here; the functions run on arm64.",
        _cold_start,
        "[The package](package.md)",
    ),
    Part(
        "judge",
        "bench.judge",
        "The judge",
        "10,000 and more simulated releases of each kind: 0.5 to 500 requests a second, base rates"
        " of 0.01 to 2 %, bursts, drift, incidents and faults that come late.",
        "Vectorised, and checked against the judge itself on 1,000 of them. Minutes are counted"
        " ones; CloudWatch's delay comes on top.",
        _judge,
        "[The judge](judge.md)",
    ),
    Part(
        "exposure",
        "bench.exposure",
        "How many requests a bad release costs",
        "1,000 simulated releases of each system with each fault, second by second.",
        "Delays of AWS are assumed, and how others detect is as they document it.",
        _exposure,
        "[Exposure](exposure.md)",
    ),
    Part(
        "load",
        "bench.load",
        "200 releases at once",
        "Started within a second in an account whose APIs are throttled as AWS throttles them, on a"
        " virtual clock.",
        "Some rates are assumed.",
        _load,
        "[Load](load.md)",
        counts=True,
    ),
    Part(
        "scale",
        "bench.scale",
        "The ledger, by question",
        "Read units of each question with so many services, of which one in twenty has a release.",
        "Computed from the bytes of the items, as DynamoDB counts them.",
        _scale,
        counts=True,
    ),
]


def written() -> str:
    return "\n".join([HEAD, *wrap(ABOUT, WIDTH), "", *(section(part) for part in PARTS)])


def section(part: Part) -> str:
    text = f"`make {part.target}`. {part.method} {part.limits}"
    lines = [
        f"## {part.title}",
        "",
        *wrap(f"{text} More: {part.more}." if part.more else text, WIDTH),
    ]
    figures = read(part.report)
    if figures is None:
        return "\n".join([*lines, "", "Not measured yet.", ""])
    measured = figures["measured"]
    stale = "**Stale.** " if is_stale(figures, part.module) else ""
    lines += ["", f"{stale}Measured at `{measured['commit']}` on {measured['day']}"]
    lines[-1] += f", in {measured['seconds']} s.\n"
    head, *rows = list(part.table(figures))
    lines += [row_of(head), row_of("---" for _ in head), *map(row_of, rows), ""]
    return "\n".join(lines)


def row_of(cells: Any) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
