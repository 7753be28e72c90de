"""Previewing: what a release of a service would be like, before anybody starts one."""

from collections.abc import Iterator

from stepcanary.access import entered
from stepcanary.aws import cloudwatch
from stepcanary.contracts.questions import CheckAnswer, Previewed, PreviewQuestion
from stepcanary.control.checking import execution_of, resolved, sketched
from stepcanary.domain import preview
from stepcanary.domain.alarms import Described
from stepcanary.domain.exposure import Assumed
from stepcanary.domain.ramp import proposed
from stepcanary.domain.release import Release
from stepcanary.errors import AwsRefused
from stepcanary.release import foreseen
from stepcanary.release.estimates import estimated
from stepcanary.release.inspection import inspect
from stepcanary.store import settings


def preview_release(question: PreviewQuestion) -> Previewed:
    """Raises `RequestRejected` as a check does."""
    service, profile, request = resolved(question.request)
    execution, stack = execution_of(service), settings.of_stack()
    found = inspect(execution, profile, request, stack.may_be_lost, every=True)
    release = sketched(execution, service, profile, found)
    answer = Previewed(
        service=service,
        releasable=not found.findings,
        findings=found.findings,
        warnings=found.warnings,
        cost=release.cost if release else "",
        answers=[CheckAnswer(asked=each, findings=said) for each, said in found.answers.items()],
    )
    if release is None:
        return answer.model_copy(update={"notes": [NOTHING]})
    with entered(profile.access(execution)):
        return _foreseen(answer, release, question.budget, is_planned=found.release is not None)


NOTHING = "the services cannot be read, so there is nothing to reckon with"
UNKNOWN = (
    "no request was counted by the router in the last hour, nor at these hours of the last seven"
    " days, so nothing is said of an outage"
)
ALARMS = "an alarm is taken to fire on an outage; whether its metric and threshold do is not known"
LOGS = (
    "a log is taken to have a line for each request; how soon it is brought is CloudWatch Logs' to"
    " say, a few seconds as a rule"
)
UNSURE = (
    "where nothing is sure to see an outage in time, all that the canary gets until the end of the"
    " last bake is counted as failed"
)


def _foreseen(
    answer: Previewed, release: Release, budget: int | None, *, is_planned: bool
) -> Previewed:
    notes: list[str] = []
    traffic: Assumed | None = None
    alarms: Described = {}
    try:
        if release.judge is not None and not is_planned:
            release = release.model_copy(
                update={"judge": estimated(release, release.judge).judging}
            )
        alarms = cloudwatch.describe(release.alarms)
        traffic = foreseen.assumed(release)
        notes += [] if traffic else [UNKNOWN]
    except AwsRefused as refused:
        notes.append(f"the metrics cannot be read, so nothing is said of an outage. {refused}")
    sources = foreseen.sources(release, alarms, traffic)
    outages = foreseen.outages(release, traffic, sources) if traffic else None
    steps = preview.timeline(release, outages)
    seconds, longest = preview.lengths(release)
    return answer.model_copy(
        update={
            "seconds": seconds,
            "longest": longest,
            "primary_tasks": release.primary_tasks,
            "traffic": traffic,
            "sources": sources,
            "steps": steps,
            "ramp": proposed(outages, budget) if outages and budget else None,
            "notes": [*notes, *_judged(release), *(_notes(steps, sources) if outages else [])],
        }
    )


def _judged(release: Release) -> Iterator[str]:
    """By which numbers, which may have been estimated."""
    for metric in release.judge.metrics if release.judge else ():
        slow = f", slower than {metric.slower_than_ms:g} ms" if metric.slower_than_ms else ""
        if metric.clusters:
            yield (
                f"the judge takes {metric.clusters:g} bad answers of {metric.named}{slow} to have"
                " one cause"
            )
        if metric.log is not None:
            yield (
                f"the log {metric.log.group} may have {100 * metric.worse.allowance:.3g} % bad"
                f" answers for {metric.named}, whatever the primary has"
            )


def _notes(steps: list[preview.PreviewStep], sources: list[preview.Source]) -> Iterator[str]:
    if any(each.source.startswith("alarm ") for each in sources):
        yield ALARMS
    if any(each.source.startswith("log ") for each in sources):
        yield LOGS
    if any(step.seconds is None for step in steps):
        yield UNSURE
