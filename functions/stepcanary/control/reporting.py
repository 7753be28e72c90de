"""Reporting: the page of a release that is over, into the bucket of the reports; once more when
its toll is counted, in the place of the first.

It is made of what the function of the questions answers, as the command line makes it, so that both
make the same one, and whoever writes it needs no right to read anything.
"""

from functools import partial
from typing import cast

from pydantic import ValidationError

from stepcanary.aws import awslambda, s3
from stepcanary.domain import events
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.model import Document
from stepcanary.domain.origin import Origin
from stepcanary.domain.questions import function_of
from stepcanary.domain.settings import StackSettings
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.release import telling
from stepcanary.report.facts import Facts
from stepcanary.report.page import page
from stepcanary.report.places import key_of, link_to
from stepcanary.store import settings


def write(event: ReleaseEvent) -> None:
    """The event tells of the end of a release, and one more is to tell where the report is, or why
    there is none; or it tells that its toll is counted, and none is to follow.

    Raises what keeps it from being written, so that an alarm tells a person and the event is kept,
    but for what nobody can mend: there is no such release, or it is not over.
    """
    again = event.detail_type == "Release Counted"
    stack = settings.of_stack()
    # Who may write to the bus may say anything of a release but which one it is about.
    release = events.report_of(event.service, event.execution)
    try:
        facts = _facts(stack, event)
        release = _release_of(facts)
        link = _put(stack, facts)
    except RequestRejected as rejected:
        telling.reported(events.not_reported(release, str(rejected)), again=again)
    except (AwsRefused, AwsUnavailable, ValidationError) as failure:
        why = f"The report was not written: {failure}"
        telling.reported(events.not_reported(release, why), again=again)
        raise
    else:
        telling.reported(events.reported(release, link), again=again)


def _facts(stack: StackSettings, event: ReleaseEvent) -> Facts:
    facts = Facts.gathered(partial(_ask, function_of(stack.state_machine)), event.execution)
    picture = facts.picture
    if picture.ended_at is None or picture.service != event.service:
        raise RequestRejected(
            f"There is no report: {event.execution} is no release of {event.service} that is over"
        )
    return facts


def _release_of(facts: Facts) -> ReleaseEvent:
    picture, past = facts.picture, facts.past or {}
    return events.report_of(
        picture.service,
        picture.execution,
        by=picture.by,
        outcome=picture.outcome,
        **{key: past.get(key) for key in Origin.model_fields},
    )


def _put(stack: StackSettings, facts: Facts) -> str:
    """The link to the page, once it is there."""
    key = key_of(facts.picture, stack.name_prefix)
    s3.put_page(stack.report_bucket, key, page(facts))
    _, partition, _, region, *_ = stack.state_machine.split(":")
    return link_to(stack.report_bucket, key, region, partition)


def _ask(function: str, question: Document) -> Document:
    answer = awslambda.answer_of(function, question, patient=True)
    if not answer["accepted"]:
        raise RequestRejected(f"There is no report: {answer['cause']}")
    return cast("Document", answer["answer"])
