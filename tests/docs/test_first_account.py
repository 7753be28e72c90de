"""What the account check asks is what the page says that it asks."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.docs.test_docs import DOCS
from tools.account.__main__ import answered
from tools.account.questions import QUESTIONS, Answer, Question

TEXT = (DOCS / "first-account.md").read_text()
READS = re.compile(r"\w+:(Describe|List|Get|Filter)\w+$")


def sections() -> dict[str, str]:
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_what_has_an_asterisk_is_asked() -> None:
    asked = {heading for heading, text in sections().items() if text.lstrip().startswith("\\*")}
    assert asked == {question.heading for question in QUESTIONS}


def test_every_other_question_has_its_command() -> None:
    for heading, text in sections().items():
        by_hand = "/canary" in text or "```shell" in text
        assert by_hand or text.lstrip().startswith("\\*"), heading


def test_it_only_reads() -> None:
    calls = {call for question in QUESTIONS for call in question.calls}
    assert {call for call in calls if not READS.match(call)} == {
        "a POST without a signature to the stack's public URL"
    }


def refused(code: str, status: int) -> Any:
    def ask(_world: object) -> Answer:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetAccountSettings")

    return ask


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InvalidAction", 400, "not known here"),
        ("InternalFailure", 501, "not known here"),
        ("AccessDeniedException", 403, "not yet"),
        ("ResourceNotFoundException", 404, "no"),
    ],
)
def test_what_aws_refuses_has_its_answer(code: str, status: int, kind: str) -> None:
    world: Any = None
    assert answered(Question("Anything", (), refused(code, status)), world).kind == kind
