"""Goals: how much of the best documented default this project may let through, at most."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.exposure.systems import ALARMS, ALONE, BOTH, FAST, OTHERS, OURS, small

OUTAGE, PARTIAL, LOADED, LEAK, MOMENT, FEW, FLAPS = (
    "a outage",
    "b partial failure",
    "c failure under load",
    "d slow leak",
    "e random moment",
    "f outage at 2 requests/s",
    "g flapping",
)
MOST_FALSE = 0.01
NO_YARDSTICK = 0.1
"""What reverts so many good releases sees no fault sooner: it has reverted before."""

Report = dict[str, Any]
DOCUMENTED = tuple(system.name for system in OTHERS)
SAME_SOURCE = tuple(system.name for system in OTHERS if system.minutes)
SAME_WEIGHT = tuple(small(system).name for system in OTHERS)


def rivals(report: Report, names: Iterable[str]) -> list[str]:
    return [name for name in names if report["false_reverts"][name] <= NO_YARDSTICK]


def best(report: Report, trace: str, names: Iterable[str]) -> tuple[str, float]:
    means = {name: report["traces"][trace][name]["mean"] for name in rivals(report, names)}
    name = min(means, key=lambda each: means[each])
    return name, means[name]


def ratio(report: Report, system: str, trace: str, names: Iterable[str]) -> float:
    _, least = best(report, trace, names)
    mean: float = report["traces"][trace][system]["mean"]
    return mean / least


def ratios(report: Report) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each of this project's systems on each trace: which documented default is best there, and
    the ratio to it, to the best with CloudWatch's minutes, and to the best with a first 1 %."""
    return {
        system.name: {
            trace: {
                "best": best(report, trace, DOCUMENTED)[0],
                "ratio": round(ratio(report, system.name, trace, DOCUMENTED), 4),
                "same_source": round(ratio(report, system.name, trace, SAME_SOURCE), 4),
                "same_first_weight": round(ratio(report, system.name, trace, SAME_WEIGHT), 4),
            }
            for trace in report["traces"]
        }
        for system in OURS
    }


@dataclass(frozen=True, slots=True)
class Goal:
    """At most so much of something. `why_not` is why it cannot be reached, where that is known."""

    name: str
    most: float
    of: Callable[[Report], float]
    why_not: str = ""


def against(
    system: str, trace: str, most: float, names: tuple[str, ...], why_not: str = ""
) -> Goal:
    versus = {DOCUMENTED: "", SAME_SOURCE: ", same source", SAME_WEIGHT: ", same first weight"}
    return Goal(
        f"{system}: {trace}{versus[names]}",
        most,
        lambda report: ratio(report, system, trace, names),
        why_not,
    )


BLIND_END = (
    "nobody sees a fault of the last 105 s before the release is over, for so old is a minute of"
    " CloudWatch when it is read: 7 % of its moments, which cost as much as 60 % of all that the"
    " best of the others lets through, whose release lasts 2.6 times as long"
)
THE_MINUTE = (
    "half a minute until a minute of CloudWatch ends and one until it is shown are 90 of the 121 s"
    " that the best of the others takes with the same first weight"
)
GOALS = (
    against(FAST, OUTAGE, 1 / 20, DOCUMENTED),
    *(against(FAST, trace, 1 / 4, DOCUMENTED) for trace in (PARTIAL, LOADED, MOMENT)),
    against(FAST, LEAK, 1 / 2, DOCUMENTED),
    against(FAST, OUTAGE, 0.7, SAME_WEIGHT),
    against(ALONE, OUTAGE, 0.7, SAME_WEIGHT, THE_MINUTE),
    against(BOTH, OUTAGE, 0.7, SAME_WEIGHT, THE_MINUTE),
    against(ALONE, OUTAGE, 1 / 3, DOCUMENTED),
    against(BOTH, OUTAGE, 1 / 3, DOCUMENTED),
    *(
        against(ALONE, trace, 1.0, SAME_SOURCE, why_not)
        for trace, why_not in (
            (PARTIAL, ""),
            (LOADED, ""),
            (LEAK, ""),
            (MOMENT, BLIND_END),
            (FEW, ""),
            (FLAPS, ""),
        )
    ),
    *(
        Goal(
            f"{system}: false reverts",
            MOST_FALSE,
            lambda report, system=system: report["false_reverts"][system],  # type: ignore[misc]
        )
        for system in (FAST, ALONE, ALARMS, BOTH)
    ),
)
