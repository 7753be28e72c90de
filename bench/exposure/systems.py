"""Systems: what releases a service step by step, each as its own pages say, and this project.

Sources of the others' settings are in docs/choosing.md; how long each takes to return the traffic
is not published, and taken to be seconds.
"""

from collections.abc import Sequence
from dataclasses import replace

from bench.exposure.engine import MakeSource, Range, Rolling, Stage, System
from bench.exposure.judged import Lines, Minutes
from bench.exposure.sources import Alarm, Checks, First
from stepcanary.domain.profile import DEFAULT_STEPS

POLLED = Alarm(asked=(0.0, 15.0))
SHIFTED: Range = (2.0, 5.0)
LATTICE: Range = (85.0, 95.0)
AT_ONCE: Range = (1.5, 3.0)
"""From an alarm's event, or a batch of lines, until the last request: one function writes the
route, and the router follows."""
BY_EXECUTION: Range = (3.0, 6.0)
"""The same where a signal goes to the execution first, which then writes the route."""
SETTLE, BETWEEN, ROLL = 35, 10, 180
SMALL = 1.0
"""The first weight at which all are compared once more."""
LEAST_ERRORS = 4

Steps = Sequence[tuple[float, int]]


def plain(*steps: tuple[float, int]) -> tuple[Stage, ...]:
    return tuple(
        Stage(weight, seconds, step, asked=True, settled=True)
        for step, (weight, seconds) in enumerate(steps)
    )


def promoted(steps: Steps, seconds: int) -> tuple[Stage, ...]:
    """Steps, after which the primary gets the version while the canary keeps its weight."""
    return (*plain(*steps), Stage(steps[-1][0], seconds, len(steps) - 1))


def weights_of(steps: Steps) -> tuple[float, ...]:
    return tuple(weight for weight, _ in steps)


def ours(steps: Steps) -> tuple[Stage, ...]:
    """Each step settles and is baked; the next one waits for its tasks. Then the primary's are
    replaced, while the weight stays as it is, and get their traffic back."""
    last = len(steps) - 1
    found = []
    for number, (weight, seconds) in enumerate(steps):
        found.append(Stage(weight, SETTLE, number))
        found.append(Stage(weight, seconds, number, asked=True, settled=True))
        found.append(Stage(weight, BETWEEN, number, settled=number == last))
    return (
        *found,
        Stage(100, ROLL, last, "promotion", settled=True),
        Stage(100, SETTLE, last, "returned"),
    )


def linear(percent: int, seconds: int, bake: int) -> tuple[Stage, ...]:
    rising = [(float(weight), seconds) for weight in range(percent, 100, percent)]
    return plain(*rising, (100.0, bake))


OLD_STEPS: Steps = ((5, 300), (25, 300), (50, 300), (100, 300))
STEPS: Steps = tuple((step.weight, step.bake_seconds) for step in DEFAULT_STEPS)
FLAGGER = tuple((float(weight), 60) for weight in range(5, 55, 5))
ARGO_TUNED: Steps = ((5, 300), (25, 300), (50, 300), (100, 300))

OTHERS = (
    System("ECS canary 5 %, 10 min", plain((5, 600), (100, 900)), POLLED, SHIFTED),
    System("ECS canary on Lattice", plain((5, 600), (100, 900)), POLLED, LATTICE),
    System("ECS linear 10 %, 6 min", linear(10, 360, 900), POLLED, SHIFTED),
    System("CodeDeploy Canary10Percent5Minutes", plain((10, 300), (100, 900)), POLLED, SHIFTED),
    System("CodeDeploy Canary10Percent15Minutes", plain((10, 900), (100, 900)), POLLED, SHIFTED),
    System("CodeDeploy Linear10PercentEvery1Minute", linear(10, 60, 900), POLLED, SHIFTED),
    System("CodeDeploy Linear10PercentEvery3Minutes", linear(10, 180, 900), POLLED, SHIFTED),
    System(
        "Flagger 5 %, 60 s, threshold 10",
        promoted(FLAGGER, 120),
        Checks(60, 60, forgiven=9, holds=True),
        (1.0, 3.0),
        minutes=False,
    ),
    System(
        "Argo Rollouts 20/40/60/80, 5 min, limit 3",
        plain((20, 600), (40, 600), (60, 600), (80, 600)),
        Checks(300, 300, forgiven=3),
        (1.0, 3.0),
        minutes=False,
    ),
    System(
        "PipeCD 20 %, 5 min",
        plain((20, 300), (100, 600)),
        Checks(300, 300),
        (5.0, 15.0),
        minutes=False,
    ),
    System(
        "AWS's App Mesh sample 10 %, 60 s",
        linear(10, 60, 60),
        Checks(60, 60, any_bad=True, minutes=True),
        (5.0, 15.0),
    ),
)
TUNED = tuple(
    replace(system, documented=False)
    for system in (
        System(
            "Flagger 5 %, 60 s, threshold 1",
            promoted(FLAGGER, 120),
            Checks(60, 60, holds=True),
            (1.0, 3.0),
            minutes=False,
        ),
        System(
            "Flagger 5 %, 30 s, threshold 1",
            promoted([(weight, 30) for weight, _ in FLAGGER], 60),
            Checks(30, 60, holds=True),
            (1.0, 3.0),
            minutes=False,
        ),
        System(
            "Flagger 5 %, 60 s, threshold 1, CloudWatch",
            promoted(FLAGGER, 120),
            Checks(60, 60, holds=True, minutes=True),
            (1.0, 3.0),
        ),
        System(
            "Argo Rollouts 5/25/50/100, 60 s, limit 2",
            plain(*ARGO_TUNED),
            Checks(60, 60, forgiven=2),
            (1.0, 3.0),
            minutes=False,
        ),
        System(
            "Argo Rollouts 5/25/50/100, 60 s, limit 0",
            plain(*ARGO_TUNED),
            Checks(60, 60),
            (1.0, 3.0),
            minutes=False,
        ),
        System(
            "Argo Rollouts 5/25/50/100, 60 s, limit 0, CloudWatch",
            plain(*ARGO_TUNED),
            Checks(60, 60, minutes=True),
            (1.0, 3.0),
        ),
    )
)


def this_project(
    name: str, source: MakeSource, back: Range, *, steps: Steps = STEPS, at_once: bool = True
) -> System:
    return System(
        name,
        ours(steps),
        source,
        back,
        documented=False,
        rolling=Rolling(at_once=at_once),
        needs_primary=True,
    )


ALARM = Alarm(least=LEAST_ERRORS)
JUDGE = Minutes(weights_of(STEPS))
LINES = Lines(len(STEPS))
SIGNALS = First((LINES, ALARM, Minutes(weights_of(STEPS), LINES.rules)))
FAST, ALONE, ALARMS, BOTH = (
    f"stepcanary, {what}" for what in ("fast signal", "judge {}", "alarms", "alarms and judge {}")
)
OURS = (
    this_project(FAST, SIGNALS, AT_ONCE),
    this_project(ALONE, JUDGE, BY_EXECUTION),
    this_project(ALARMS, ALARM, AT_ONCE),
    this_project(BOTH, First((ALARM, JUDGE)), AT_ONCE),
)
BEFORE = (
    this_project(f"{FAST}, promotion as before", SIGNALS, AT_ONCE, at_once=False),
    this_project(f"{ALARMS}, promotion as before", ALARM, AT_ONCE, at_once=False),
    this_project(
        "stepcanary, defaults as before", Alarm(), AT_ONCE, steps=OLD_STEPS, at_once=False
    ),
)
"""With a promotion that first restores the old version, and with the steps and the alarm that were
the defaults."""


def small(system: System) -> System:
    """With the same first weight, and where an alarm tells, with as many errors before it does: at
    so few requests it would revert half of the good releases."""
    stages = [replace(stage, weight=SMALL) if stage.step == 0 else stage for stage in system.stages]
    source = (
        replace(system.source, least=LEAST_ERRORS) if system.source == POLLED else system.source
    )
    name = f"{system.name}, first 1 %"
    return replace(system, name=name, stages=tuple(stages), source=source, documented=False)


SMALL_FIRST = tuple(small(system) for system in OTHERS)
SYSTEMS = (*OTHERS, *TUNED, *OURS, *BEFORE, *SMALL_FIRST)
