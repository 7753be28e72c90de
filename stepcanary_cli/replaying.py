"""Replaying: what the judge of a profile would have said of the last days. The stack answers with
what was counted, and the judge runs here."""

from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from stepcanary.domain.durations import duration
from stepcanary.domain.judging import Judging
from stepcanary.domain.profile import Step
from stepcanary.domain.replay import Minutes, Rejudged, Replay
from stepcanary.report.rows import rows_of
from stepcanary_cli.options import Use, common, use
from stepcanary_cli.outcomes import Answer, Exit
from stepcanary_cli.requests import version_named
from stepcanary_cli.saved import require_one
from stepcanary_cli.saved_replay import replay_saved
from stepcanary_cli.showing import columns, name_of

DAYS, MOST_DAYS = 14, 15
"""CloudWatch keeps minutes for fifteen days."""
OF_THE_STACK = {"days": "--days", "profile": "--profile"}
"""Options of what the stack is asked, by their parameters."""
NOT_OVER = ("Running", "Rejected")
"""Outcomes of what has counted nothing, or not all."""


@click.command()
@click.argument("service", required=False)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Judge again what a report's page or JSON has, in place of the last days.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=DAYS,
    show_default=True,
    help="How many of the last days; CloudWatch keeps minutes for fifteen.",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON, in place of the stored profile.",
)
@common
def replay(service: str | None, source: Path | None, days: int, profile: Path | None) -> Exit:
    """Judge the last days, or a report, again."""
    mine = use()
    require_one(service, source, "a service")
    if source is not None:
        _require_of_saved()
        return replay_saved(mine, source)
    assert service is not None
    request = {"service": service, **version_named((), None, profile)}
    counted = Counted.of(mine, request, days)
    judge = counted.judge
    found = {
        "service": service,
        "days": days,
        "judge": judge.profile.model_dump(mode="json"),
        "releases": [each.model_dump() for each in _releases(mine, service, counted)],
        "false_reverts": [each.model_dump() for each in judge.false_reverts(counted.zones)],
        "found": [each.model_dump() for each in judge.found(counted.minutes)],
        "notes": counted.notes,
    }
    mine.screen.show(found, replayed)
    return Exit.DONE


def _require_of_saved() -> None:
    """Raises click's `UsageError` for an option that a report leaves no room for."""
    context = click.get_current_context()
    for name, option in OF_THE_STACK.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{option} is not for --from: a report is judged by what it has itself; leave one"
                " of them out"
            )


class Counted:
    """What the primary has counted, from all of its pages."""

    def __init__(self, first: Answer) -> None:
        self.judge = Replay(
            Judging.model_validate(first["judge"]),
            [Step.model_validate(step) for step in first["steps"]],
            first["settle_seconds"],
        )
        self.notes: list[str] = first["notes"]
        self.minutes: dict[str, Minutes] = {}
        self.zones: dict[str, dict[str, Minutes]] = {}
        self.since = 0
        """The second from which on it was counted."""

    @classmethod
    def of(cls, mine: Use, request: Answer, days: int) -> "Counted":
        first = mine.connection.ask({"question": "counts", "request": request})
        found = cls(first)
        found._add(first)
        page = first
        for day in range(1, days):
            mine.screen.progress(f"day {day + 1} of {days}")
            page = mine.connection.ask(
                {
                    "question": "counts",
                    "request": request,
                    "before": page["before"],
                    "judge": first["judge"],
                }
            )
            found._add(page)
        return found

    def _add(self, page: Answer) -> None:
        self.since = page["before"]
        _merge(self.minutes, page["minutes"])
        for zone, by_metric in page["zones"].items():
            _merge(self.zones.setdefault(zone, {}), by_metric)


def _merge(into: dict[str, Minutes], page: dict[str, list[list[int]]]) -> None:
    for metric, minutes in page.items():
        of_metric = into.setdefault(metric, {})
        for at, requests, bad in minutes:
            of_metric[at] = requests, bad


def _releases(mine: Use, service: str, counted: Counted) -> Iterator[Rejudged]:
    """Those that are over and were judged; the newest first."""
    for past in _pasts(mine, service, counted.since):
        was = rows_of(mine.connection.ask, past["execution"])
        if was.rows or was.logged:
            yield counted.judge.rejudged(
                past["execution"], past["outcome"], was.steps, was.rows, was.logged
            )


def _pasts(mine: Use, service: str, since: int) -> Iterator[Answer]:
    after: str | None = ""
    while after is not None:
        page = mine.connection.ask({"question": "history", "service": service, "after": after})
        for past in page["releases"]:
            if past["started_at"] < since:
                return
            if past["outcome"] not in NOT_OVER:
                yield past
        after = page["after"]


def replayed(found: Answer) -> str:
    lines = [f"{found['service']}, the last {found['days']} days, by the judge of its profile"]
    lines += ["", *_old_releases(found["releases"])]
    lines += ["", *_with_nothing_wrong(found["false_reverts"])]
    lines += ["", *_rises(found["found"])]
    lines += [f"note: {note}" for note in found["notes"]]
    return "\n".join(lines)


def _old_releases(releases: list[Answer]) -> list[str]:
    if not releases:
        return ["Old releases: the ledger has the counts of none; a release has them with a judge"]
    rows = []
    for each in releases:
        says = each["outcome"]
        if each["seconds"] is not None:
            says += f" {duration(each['seconds'])} after its first minute: {each['reason']}"
        if each["missing"]:
            says += f"; not counted then: {', '.join(each['missing'])}"
        if each["logged"]:
            says += f"; its log is left out: {', '.join(each['logged'])}"
        rows.append((name_of(each["execution"]), each["was"], says))
    return [
        "Old releases, judged again; slow are answers over the threshold of then",
        *columns(("release", "it was", "the judge now"), rows),
    ]


def _with_nothing_wrong(zones: list[Answer]) -> list[str]:
    if not zones or not zones[-1]["releases"]:
        return [
            "False reverts: not known, for the metrics of fewer than two zones are long enough;"
            " App Mesh and metrics of your own have none by zone"
        ]
    rows = [
        (
            each["zone"],
            f"{each['reverted']} of {each['releases']}",
            f"{100 * each['low']:.1f} to {100 * each['high']:.1f} %",
        )
        for each in zones
    ]
    return [
        "False reverts: one zone of the primary as if it were the canary, beside the others",
        *columns(("zone", "reverted", "with 95 % confidence"), rows),
        "Zones of the same minutes are not independent: with few of them the share is less sure"
        " than that",
    ]


def _rises(found: list[Answer]) -> list[str]:
    if not found or not found[0]["releases"]:
        return ["How soon a rise is seen: not known, for the primary has too few minutes"]
    rows = [
        (
            f"{each['factor']:g} times",
            f"{each['found']} of {each['releases']}",
            duration(each["seconds"]),
        )
        for each in found
    ]
    return [
        "How soon a rise of the bad answers is seen, in random splits of the primary's minutes",
        *columns(("rise", "found", "half of them within"), rows),
        "A random split says nothing of false reverts: it has no bursts, zones or clients of its"
        " own",
    ]
