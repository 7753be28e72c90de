"""Load: many releases started at once, in an account whose APIs are throttled as AWS does it.

Three runs on a virtual clock: one release alone, all of them where AWS takes every call, which
shows what they ask for, and all of them where it does not, which shows what becomes of them.
"""

import argparse
import os
import re
import statistics
import sys
from collections import Counter
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="bench",
    AWS_SECRET_ACCESS_KEY="bench",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_SERVICE_NAME="stepcanary",
    POWERTOOLS_METRICS_NAMESPACE="StepCanary",
    LEDGER_TABLE="ledger",
    SETTINGS_PARAMETER="/stepcanary/settings",
)

from bench import fleet
from bench.fleet import EXPECTED, GOOD, SWEEP, Load, Pair, mixture, opened
from bench.rates import RATES, TRANSITIONS, Rate, Tally, busiest
from bench.report import write
from stepcanary.release.looks import LOOKS_PER_SECOND, MOST_READ_A_SWEEP
from stepcanary.release.pace import BURST
from stepcanary.store.rest import SPLITS_PER_LOOK

MOST_SHARE = 0.5
"""Of a rate, in the worst minute: an account has others who call."""
LONGEST_SWEEP_SECONDS = 60
STARTING = ("PlanReleaseFunction", "OpenReleaseFunction", "DeployCanaryFunction")
"""What a release does within its first seconds."""
PUSH_SECONDS = 600
"""After so long a release is past its start, however long that took."""
ALL_RATES = (*RATES, TRANSITIONS)
PAPER_SERVICES, PAPER_RELEASES = 10_000, 500


def run(pairs: list[Pair], *, within: float = 0.0, throttled: bool = True) -> Load:
    with opened(Load(pairs, within=within, throttled=throttled)) as load:
        load.run()
    if load.clock.failures:
        raise load.clock.failures[0]
    return load


def good_release_seconds(alone: Load, load: Load) -> dict[str, Any]:
    """Of those that went well."""
    ends = load.ends.values()
    took = [end.seconds for end in ends if (end.kind, end.outcome) == (GOOD, "Released")]
    by_itself = alone.ends["shop-0000"].seconds
    if not took:
        return {"alone": round(by_itself)}
    median = statistics.median(took)
    return {
        "alone": round(by_itself),
        "median": round(median),
        "longest": round(max(took)),
        "slow_down": round(median / by_itself, 2),
    }


def report_of(alone: Load, asked: Load, load: Load) -> dict[str, Any]:
    return {
        "releases": len(load.pairs),
        "started_within_seconds": load.within,
        "seed": fleet.SEED,
        "taken_for_granted": {
            "seconds_of_a_call": fleet.CALL_SECONDS,
            "seconds_of_a_call_to_the_table": fleet.TABLE_SECONDS,
            "seconds_before_a_function_begins": fleet.INVOKE_SECONDS,
            "seconds_of_a_deployment": fleet.DEPLOY_SECONDS,
            "steps": fleet.STEPS,
            "rates_without_a_figure": {r.name: r.assumed for r in RATES if r.assumed},
        },
        "outcomes": outcomes(load),
        "not_as_it_must": not_as_it_must(load),
        "splits_that_are_not_at_rest": sum(end.weight > 0 for end in load.ends.values()),
        "where_aws_takes_every_call": {
            "outcomes": outcomes(asked),
            "not_as_it_must": not_as_it_must(asked),
            "good_release_seconds": good_release_seconds(alone, asked),
            "sweep_seconds": sweep_seconds(asked),
            "told_as_stranded": told(asked),
            "killed_at_time_out": dict(asked.seen.killed),
            "asked_for": {rate.name: asked_for(asked.tally, rate) for rate in ALL_RATES},
        },
        "good_release_seconds": good_release_seconds(alone, load),
        "sweep_seconds": sweep_seconds(load),
        "told_as_stranded": told(load),
        "functions": functions(load),
        "functions_that_failed": dict(load.seen.failed.most_common()),
        "most_functions_at_once": load.seen.most_at_once,
        "rates": {rate.name: load.tally.report(rate) for rate in ALL_RATES},
        "calls_of_a_release_alone": calls_of_a_release(alone),
        "calls_of_a_sweep_by_release_held": calls_of_a_sweep(asked),
        "on_paper": on_paper(alone, asked),
    }


def outcomes(load: Load) -> dict[str, dict[str, int]]:
    """By what was to become of them."""
    ends = load.ends.values()
    return {kind: dict(Counter(e.outcome for e in ends if e.kind == kind)) for kind in EXPECTED}


def not_as_it_must(load: Load) -> dict[str, Any]:
    wrong = [end for end in load.ends.values() if end.outcome != EXPECTED[end.kind]]
    causes = Counter(f"{end.outcome}: {in_short(end.cause)}" for end in wrong)
    return {"releases": len(wrong), "by_cause": dict(causes.most_common())}


def told(load: Load) -> dict[str, int]:
    return dict(Counter(in_short(sentence) for sentence in load.seen.stranded).most_common())


def in_short(cause: str) -> str:
    """Without what is another for each release."""
    called = re.search(r"(\w+): ThrottlingException", cause)
    return f"{called[1]} was throttled" if called else re.sub(r"[\w-]*\d[\w-]*", "…", cause)[:160]


def sweep_seconds(load: Load) -> dict[str, Any]:
    took = [seconds for _, seconds in load.seen.sweeps]
    return {
        "sweeps": len(took),
        "median": round(statistics.median(took), 1),
        "longest": round(max(took), 1),
        "over_a_minute": sum(seconds > LONGEST_SWEEP_SECONDS for seconds in took),
        "each": [(round(began), round(seconds, 1)) for began, seconds in load.seen.sweeps],
    }


def functions(load: Load) -> dict[str, Any]:
    return {
        name: {
            "invocations": len(took),
            "longest_seconds": round(max(took), 1),
            "killed_at_time_out": load.seen.killed[name],
        }
        for name, took in sorted(load.seen.durations.items())
    }


def asked_for(tally: Tally, rate: Rate) -> dict[str, Any]:
    """Where nothing is refused: in the worst minute, and in the worst after the start."""
    moments = sorted(second for call in tally.calls_of(rate) for second in tally.moments[call])
    in_minute, began = busiest(moments, 60)
    later, later_began = busiest([second for second in moments if second > PUSH_SECONDS], 60)
    return {
        "calls": len(moments),
        "peak_in_one_minute": in_minute,
        "peak_minute_began_at": round(began),
        "share_of_rate": share(in_minute / 60, rate),
        "peak_in_one_minute_after_the_start": later,
        "that_minute_began_at": round(later_began),
        "share_of_rate_after_the_start": share(later / 60, rate),
        "by_function_in_the_worst_minute": in_window(tally, rate, began),
        "by_function_in_the_worst_after_the_start": in_window(tally, rate, later_began),
    }


def in_window(tally: Tally, rate: Rate, began: float) -> dict[str, int]:
    found = Counter(
        function
        for call in tally.calls_of(rate)
        for second, function in zip(tally.moments[call], tally.functions[call], strict=True)
        if began <= second < began + 60
    )
    return dict(found.most_common(8))


def share(per_second: float, rate: Rate) -> float:
    return round(per_second / rate.refill, 3)


def calls_of_a_release(alone: Load) -> dict[str, dict[str, int]]:
    """Of a good one, by function and call, without the sweeps meanwhile."""
    found: dict[str, dict[str, int]] = {}
    for call, by_function in sorted(alone.tally.by_function.items()):
        for function, calls in by_function.items():
            if call != "transition" and function != SWEEP:
                found.setdefault(function, {})[call] = calls
    return found


def calls_of_a_sweep(asked: Load) -> dict[str, float]:
    """By release that runs meanwhile. ListExecutions is one for a thousand of them."""
    held = sum(asked.held_at_sweeps)
    return {
        call: round(by_function[SWEEP] / held, 4)
        for call, by_function in sorted(asked.tally.by_function.items())
        if by_function[SWEEP]
    }


def on_paper(alone: Load, asked: Load) -> dict[str, Any]:
    """For more services than can be run here."""
    per_release, per_held = calls_of_a_release(alone), calls_of_a_sweep(asked)
    seconds = alone.ends["shop-0000"].seconds
    n = PAPER_RELEASES
    shares = {}
    for rate in RATES:
        calls = [call for call in set(alone.tally.moments) | set(per_held) if rate.covers(call)]
        whole = sum(by.get(call, 0) for by in per_release.values() for call in calls)
        first = sum(per_release.get(f, {}).get(call, 0) for f in STARTING for call in calls)
        by_held = sum(per_held.get(call, 0.0) for call in calls)
        sweep = n * by_held
        if "elbv2.DescribeRules" in calls:
            sweep = min(n, MOST_READ_A_SWEEP) * by_held + SPLITS_PER_LOOK
        if "stepfunctions.ListExecutions" in calls:
            sweep = -(-n // 1_000)
        shares[rate.name] = {
            "calls_of_a_release": whole,
            "calls_of_its_start": first,
            "calls_of_a_sweep": round(sweep),
            "share_if_spread": share(n * whole / seconds + sweep / 60, rate),
            "share_if_started_within_a_minute": share((n * first + sweep) / 60, rate),
            "seconds_until_all_have_started": round(max(0.0, n * first - rate.size) / rate.refill),
        }
    return {
        "services": PAPER_SERVICES,
        "releases_at_once": n,
        "least_seconds_of_a_sweep": round((min(n, MOST_READ_A_SWEEP) - BURST) / LOOKS_PER_SECOND),
        "formula": {
            "least_seconds_of_a_sweep": "(releases - the first few at once) / the sweep's own pace,"
            " which it keeps for every release that it looks at",
            "share_if_spread": "(releases x calls_of_a_release / seconds of a release alone +"
            " calls_of_a_sweep / 60) / refill",
            "share_if_started_within_a_minute": "(releases x calls_of_its_start +"
            " calls_of_a_sweep) / (60 x refill)",
            "seconds_until_all_have_started": "(releases x calls_of_its_start - bucket) / refill",
            "calls_of_a_sweep": "releases x calls of a sweep by release held; of ELB's for at most"
            f" {MOST_READ_A_SWEEP} of them, and {SPLITS_PER_LOOK} for splits at rest;"
            " ListExecutions one for a thousand. The services that rest add nothing else",
        },
        "rates": shares,
    }


def problems(report: dict[str, Any]) -> list[str]:
    wrong = []
    if lost := report["not_as_it_must"]["releases"]:
        causes = report["not_as_it_must"]["by_cause"]
        wrong.append(f"{lost} releases did not end as they must: {causes}")
    if left := report["splits_that_are_not_at_rest"]:
        wrong.append(f"{left} canaries still have traffic")
    for name, rate in report["rates"].items():
        if rate["share_of_rate"] > MOST_SHARE:
            wrong.append(f"{name}: {rate['share_of_rate']:.0%} of the rate in the worst minute")
    if (longest := report["sweep_seconds"]["longest"]) > LONGEST_SWEEP_SECONDS:
        wrong.append(f"a sweep took {longest} s")
    wrong += [
        f"{name}: {of['killed_at_time_out']} were killed at their time-out"
        for name, of in report["functions"].items()
        if of["killed_at_time_out"]
    ]
    return wrong


def show(report: dict[str, Any]) -> None:
    print(f"{report['releases']} releases at once: {report['outcomes']}")
    print(f"seconds of a good release: {report['good_release_seconds']}")
    sweeps = {key: of for key, of in report["sweep_seconds"].items() if key != "each"}
    print(f"seconds of a sweep: {sweeps}")
    heads = ("calls", "throttled", "a second", "a minute", "share", "asked", "later")
    print(f"{'':34}" + "".join(f"{head:>10}" for head in heads))
    for name, rate in report["rates"].items():
        asked = report["where_aws_takes_every_call"]["asked_for"][name]
        cells = (
            rate["calls"],
            rate["throttled"],
            rate["peak_in_one_second"],
            rate["peak_in_one_minute"],
            f"{rate['share_of_rate']:.0%}",
            f"{asked['share_of_rate']:.0%}",
            f"{asked['share_of_rate_after_the_start']:.0%}",
        )
        mark = " (assumed)" if rate["assumed"] else ""
        print(f"{name + mark:34}" + "".join(f"{cell!s:>10}" for cell in cells))


def main() -> int:
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--releases", type=int, default=200)
    parser.add_argument("--within", type=float, default=0.0, help="seconds in which all start")
    given = parser.parse_args()
    pairs, within = mixture(given.releases), given.within
    alone = run([Pair(0, GOOD)])
    asked = run(pairs, within=within, throttled=False)
    print(f"{len(pairs)} releases where AWS takes every call: done", flush=True)
    report = report_of(alone, asked, run(pairs, within=within))
    path = write(f"load-within-{within:g}" if within else "load", report)
    show(report)
    print(f"report: {path}")
    wrong = problems(report)
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
