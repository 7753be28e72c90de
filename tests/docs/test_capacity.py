"""What docs/configuration.md says that a canary of each size adds, held against the plan's sums."""

import re

from emulator import template
from stepcanary.domain.capacity import Sizing, added_task_hours
from stepcanary.domain.profile import DEFAULT_STEPS

PAGE = (template.ROOT / "docs" / "configuration.md").read_text()
SETTLE_SECONDS = 35
SIZINGS = {
    "proportional": Sizing("proportional", 20, 10, 1),
    "full": Sizing("full", 20),
    "canary_tasks: 4": Sizing("fixed", 4),
}
STEPS = [(step.weight, step.bake_seconds + SETTLE_SECONDS) for step in DEFAULT_STEPS]


def row(sizing: Sizing) -> tuple[str, str]:
    tasks = ", ".join(str(sizing.tasks(weight)) for weight, _ in STEPS)
    return tasks, f"{added_task_hours(sizing, STEPS, SETTLE_SECONDS):.1f}"


def test_the_task_hours_are_those_of_the_default_steps() -> None:
    weights = ", ".join(str(weight) for weight, _ in STEPS)
    assert f"| `capacity` | tasks at {weights} % | task-hours added |" in PAGE
    rows = re.findall(
        r"^\| `(proportional|full|canary_tasks: 4)` \| ([\d, ]+) \| ([\d.]+) \|$", PAGE, re.M
    )
    assert {name: (tasks, hours) for name, tasks, hours in rows} == {
        name: row(sizing) for name, sizing in SIZINGS.items()
    }
