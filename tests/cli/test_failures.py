"""What AWS or the SDK says is told with what to do, in the exit code of its kind."""

import io
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from stepcanary.version import VERSION
from stepcanary_cli import patience as patience_module
from stepcanary_cli import watching
from stepcanary_cli.app import run
from stepcanary_cli.connecting import Connection, Place
from stepcanary_cli.failures import Failure, Garbled, Lost, Misuse, explained
from stepcanary_cli.outcomes import Exit, ended
from stepcanary_cli.patience import Patience
from stepcanary_cli.views import Lines
from stepcanary_cli.watching import Watch
from tests.cli.conftest import Command

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-release"
EXECUTION = MACHINE.replace(":stateMachine:", ":execution:") + ":release-1"


def refused(code: str, message: str = "no", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "StartExecution")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (sdk.NoCredentialsError(), Misuse, "Give --aws-profile"),
        (sdk.ProfileNotFound(profile="p"), Misuse, "`aws configure list-profiles`"),
        (sdk.NoRegionError(), Misuse, "Give --region"),
        (sdk.InvalidRegionError(region_name="///"), Misuse, "Give --region"),
        (sdk.UnauthorizedSSOTokenError(), Misuse, "log in again"),
        (sdk.TokenRetrievalError(provider="sso", error_msg="x"), Misuse, "log in again"),
        (sdk.EndpointConnectionError(endpoint_url="http://x"), Lost, "Look at the network"),
        (sdk.ConnectTimeoutError(endpoint_url="http://x"), Lost, "Look at the network"),
        (sdk.ReadTimeoutError(endpoint_url="http://x"), Lost, "Look at the network"),
        (refused("ExpiredTokenException"), Misuse, "have expired: log in again"),
        (refused("UnrecognizedClientException"), Misuse, "does not know these credentials"),
        (
            refused("AccessDeniedException", "not authorized to perform: states:StartExecution"),
            Misuse,
            "you may not do StartExecution: not authorized to perform: states:StartExecution."
            " docs/permissions.md has the policy",
        ),
        (refused("ThrottlingException"), Lost, "cannot answer now"),
        (refused("InternalError", status=500), Lost, "cannot answer now"),
        (refused("302", "", status=302), Lost, "StartExecution with 302, as a proxy or a login"),
        (Garbled("cut off"), Lost, "AWS does not answer: cut off. Look at the network"),
        (refused("InvalidName", "the name"), Misuse, "AWS refuses StartExecution: InvalidName"),
        (sdk.ParamValidationError(report="r"), Misuse, "AWS cannot be called"),
    ],
)
def test_each_says_what_to_do(error: Any, kind: type[Failure], text: str) -> None:
    failure = explained(error)
    assert type(failure) is kind
    assert text in str(failure)


class Calls:
    """Answers with what is given, one after the other; a failure is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def __call__(self, **_: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


DOWN = sdk.EndpointConnectionError(endpoint_url="http://x")


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it was waited; no time passes but this."""
    slept: list[float] = []
    clock = type(
        "Clock", (), {"sleep": slept.append, "monotonic": staticmethod(lambda: sum(slept))}
    )
    monkeypatch.setattr(patience_module, "time", clock)
    return slept


def test_a_connection_that_was_never_there_is_told_at_once(slept: list[float]) -> None:
    with pytest.raises(Lost):
        Patience(60, print).call(Calls(DOWN))
    assert slept == []


def test_one_that_was_there_is_tried_again_for_a_while(slept: list[float]) -> None:
    said: list[str] = []
    patience = Patience(60, said.append)
    assert patience.call(Calls("there")) == "there"
    assert patience.call(Calls(DOWN, DOWN, refused("ThrottlingException"), "back")) == "back"
    assert said == ["AWS does not answer; trying again for 60 s", "AWS answers again"]
    with pytest.raises(Lost):
        patience.call(Calls(DOWN))
    assert 50 < sum(slept) < 70


def test_what_is_refused_is_not_tried_again(slept: list[float]) -> None:
    calls = Calls(refused("AccessDenied"), "never")
    with pytest.raises(Misuse):
        Patience(60, print, reached=True).call(calls)
    assert calls.answers == ["never"]
    assert slept == []


def connection(**clients: Any) -> Connection:
    made = Connection(Place(state_machine=MACHINE), print)
    made.__dict__.update(clients)
    return made


def client(**calls: Any) -> Any:
    errors = {"ExecutionAlreadyExists", "ExecutionDoesNotExist", "ResourceNotFoundException"}
    exceptions = type("Exceptions", (), {name: type(name, (ClientError,), {}) for name in errors})
    made = type("Client", (), {name: staticmethod(call) for name, call in calls.items()})
    made.exceptions = exceptions  # type: ignore[attr-defined]
    return made


NOT_BEGUN = {"accepted": False, "cause": "the ledger has no document of it", "version": "1"}


def asked(answer: dict[str, Any]) -> Any:
    """Lambda's client, whose function answers this however often."""

    def invoke(**_: Any) -> dict[str, Any]:
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    return client(invoke=invoke)


def test_a_watch_that_loses_its_connection_says_how_to_go_on(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0)
    described = {"status": "RUNNING", "executionArn": EXECUTION, "input": "{}"}
    sfn = client(describe_execution=Calls(described, DOWN))
    made = connection(sfn=sfn, client=lambda *_: asked(NOT_BEGUN))
    with pytest.raises(Lost) as lost:
        Watch(made, EXECUTION, Lines(print, print)).until_end()
    assert str(lost.value).endswith(f"watch it with `stepcanary watch {EXECUTION}`")
    assert lost.value.exit_code == Exit.LOST
    assert slept


def test_a_start_whose_answer_was_lost_is_made_once(slept: list[float]) -> None:
    """It is tried again under its name: it runs, or it is over by then."""
    sfn = client(describe_execution=Calls({"status": "RUNNING"}))
    over = sfn.exceptions.ExecutionAlreadyExists(
        refused("ExecutionAlreadyExists").response, "StartExecution"
    )
    sfn.start_execution = staticmethod(Calls(DOWN, over))
    made = connection(sfn=sfn)
    made.describe(EXECUTION)
    assert made.start({}, "release-1") == EXECUTION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("STATE_MACHINE", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_answer_that_was_cut_off_is_asked_for_again(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK takes half a document for an answer without members."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0)
    running = {"status": "RUNNING", "executionArn": EXECUTION, "input": "{}"}
    over = {**running, "status": "FAILED", "error": "Reverted", "cause": "alarms"}
    cut: dict[str, Any] = {}
    sfn = client(describe_execution=Calls(running, cut, over))
    made = connection(sfn=sfn, client=lambda *_: asked(NOT_BEGUN))
    ended_so = Watch(made, EXECUTION, Lines(print, print)).until_end()
    assert ended_so.exit_code == Exit.REVERTED
    assert slept
    sfn.start_execution = Calls(cut)
    with pytest.raises(Lost, match=r"no 'executionArn'\. Look at the network"):
        connection(sfn=sfn).start({}, "release-1")


def test_a_start_that_is_not_answered_may_have_begun(slept: list[float]) -> None:
    sfn = client(start_execution=Calls(sdk.ReadTimeoutError(endpoint_url="http://x")))
    with pytest.raises(Lost, match=f"all the same: `stepcanary watch {EXECUTION}` tells"):
        connection(sfn=sfn).start({}, "release-1")
    assert slept == []


@pytest.mark.parametrize(
    "payload",
    [b"", b"<html>", b"null", b"[]", b'"x"', b"{}", b'{"accepted": true}', b'{"statusCode": 200}'],
)
def test_a_function_that_answers_something_else(payload: bytes) -> None:
    answering = client(invoke=Calls({"Payload": io.BytesIO(payload)}))
    made = connection()
    made.__dict__["client"] = lambda *_: answering
    with pytest.raises(Failure, match="is no answer to a question") as failed:
        made.ask({"question": "status"})
    assert failed.value.exit_code == Exit.FAULT


def test_a_function_that_fails_by_itself() -> None:
    fault = {"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}
    answer = {"Payload": io.BytesIO(json.dumps(fault).encode()), "FunctionError": "Unhandled"}
    made = connection()
    made.__dict__["client"] = lambda *_: client(invoke=Calls(answer))
    with pytest.raises(Failure, match="signal: killed; see the log of arn:aws:lambda") as failed:
        made.ask({"question": "status"})
    assert failed.value.exit_code == Exit.FAULT


@pytest.mark.parametrize("output", ["null", "[]", "5", '"outcome"', '{"outcome": 5}', "{}"])
def test_an_execution_of_something_else(output: str) -> None:
    described = {"executionArn": EXECUTION, "status": "SUCCEEDED", "output": output}
    assert ended(described).exit_code == Exit.STOPPED
    assert "is it of one?" in ended(described).cause
    assert ended({**described, "output": None}).outcome == "Succeeded"


def test_a_fault_is_no_rejection(account: pytest.MonkeyPatch, command: Command) -> None:
    def fault(*_: Any) -> None:
        raise KeyError("unthought")

    account.setattr(Connection, "put", fault)
    account.setenv("STATE_MACHINE", MACHINE)
    done = command("status", "--json")
    assert (done.code, done.json["exit_code"]) == (Exit.FAULT, Exit.FAULT)
    assert "a fault of this command: KeyError: 'unthought' (test_failures.py:" in done.err
    assert "Please report this line" in done.err


def test_nobody_listens(account: pytest.MonkeyPatch, command: Command) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        account.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        began = time.monotonic()
        done = command("--state-machine", MACHINE, "status")
        seconds = time.monotonic() - began
    assert done.code == Exit.LOST
    assert "AWS does not answer: Could not connect" in done.err
    assert seconds < 2


@pytest.mark.parametrize(
    ("words", "variables", "text"),
    [
        (("status",), {"AWS_DEFAULT_REGION": ""}, "no Region: give --region, or set AWS_REGION"),
        (("--aws-profile", "p", "status"), {}, "`aws configure list-profiles`"),
        (("status",), {"STATE_MACHINE": "shop"}, "'shop' is no ARN of a state machine"),
        (
            ("--stack", "s", "--state-machine", MACHINE, "status"),
            {},
            "--state-machine and --stack both say which stack",
        ),
        (
            ("status", "--region", "eu-north-1"),
            {"STATE_MACHINE": MACHINE},
            "is in eu-west-1; give --stack to look for another one",
        ),
        (("dance",), {}, "No such command 'dance'"),
        (("shift", "checkout", "101"), {}, "101 is not in the range 0<=x<=100"),
        (("release",), {}, "Missing argument 'SERVICE'"),
        (("status", ""), {}, "'[SERVICE]': is empty; is a variable not set?"),
        (("rollback", "checkout", "--to", ""), {}, "'--to': is empty"),
        (("promote", "checkout", "--execution", ""), {}, "'--execution': is empty"),
        (("--stack", "", "status"), {}, "'--stack': is empty"),
        (("status", "--stack", ""), {}, "'--stack': is empty"),
        (
            ("status",),
            {"STATE_MACHINE": MACHINE, "AWS_ENDPOINT_URL": "garbage"},
            "AWS cannot be called: Invalid endpoint: garbage. Look at the AWS profile",
        ),
        (
            ("status",),
            {"STATE_MACHINE": MACHINE, "AWS_ENDPOINT_URL": "http://127.0.0.1:99999"},
            "AWS cannot be called: Port out of range",
        ),
    ],
)
def test_misuse(
    account: pytest.MonkeyPatch,
    command: Command,
    words: tuple[str, ...],
    variables: dict[str, str],
    text: str,
) -> None:
    for name, value in variables.items():
        account.setenv(name, value)
    done = command(*words)
    assert text in done.err
    assert done.code == Exit.MISUSE
    done = command(*words, "--json")
    assert done.json["exit_code"] == done.code == Exit.MISUSE


CREDENTIALS = """
[profile no-json]
credential_process = /bin/echo hello
[profile no-program]
credential_process = /no/such/program
[profile no-token]
role_arn = arn:aws:iam::123456789012:role/release
web_identity_token_file = /no/such/token
"""


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("no-json", "Expecting value"),
        ("no-program", "No such file or directory: '/no/such/program'"),
        ("no-token", "No such file or directory: '/no/such/token'"),
    ],
)
def test_credentials_that_cannot_be_had(
    account: pytest.MonkeyPatch, tmp_path: Path, command: Command, profile: str, text: str
) -> None:
    config = tmp_path / "config"
    config.write_text(CREDENTIALS)
    account.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        account.delenv(name, raising=False)
    done = command("--state-machine", MACHINE, "--aws-profile", profile, "status")
    assert (done.code, done.out) == (Exit.MISUSE, "")
    assert text in done.err
    assert "`aws sts get-caller-identity` says whether" in done.err


def test_a_failure_is_json_where_that_is_asked_for(
    account: pytest.MonkeyPatch, command: Command
) -> None:
    account.setenv("STATE_MACHINE", "shop")
    done = command("status", "--json")
    assert (done.json["exit_code"], done.code) == (Exit.MISUSE, Exit.MISUSE)
    assert done.json["error"] in done.err


def outputs(**given: str) -> Callable[..., Any]:
    found = [{"OutputKey": key, "OutputValue": value} for key, value in given.items()]
    return Calls({"Stacks": [{"Outputs": found}]})


def found_by(place: Place, describe_stacks: Any, account: pytest.MonkeyPatch) -> str:
    made = Connection(place, print)
    stub = client(describe_stacks=describe_stacks)
    stub.meta = type("Meta", (), {"region_name": "eu-west-1"})
    account.setattr(made, "client", lambda _service, _region="": stub)
    return made.machine


def test_a_stack_that_is_named_beats_the_environment(account: pytest.MonkeyPatch) -> None:
    account.setenv("STATE_MACHINE", MACHINE)
    other = MACHINE.replace("shop", "other")
    by_output = outputs(ReleaseStateMachineArn=other)
    assert found_by(Place(stack="other"), by_output, account) == other
    assert found_by(Place(), by_output, account) == MACHINE
    account.delenv("STATE_MACHINE")
    assert found_by(Place(), by_output, account) == other


def test_a_stack_that_is_not_there_or_not_ours(account: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misuse, match="no output ReleaseStateMachineArn; is it stepcanary's"):
        found_by(Place(), outputs(Other="x"), account)
    missing = Calls(refused("ValidationError", "Stack with id stepcanary does not exist"))
    with pytest.raises(Misuse, match="there is no stack stepcanary in eu-west-1: give --stack"):
        found_by(Place(), missing, account)
    with pytest.raises(Misuse, match="you may not do"):
        found_by(Place(), Calls(refused("AccessDenied")), account)


def test_another_major_version_is_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    made = Connection(Place(state_machine=MACHINE), said.append)
    for theirs in (VERSION, "9.0.0", "9.0.0"):
        made._compare(theirs)
    assert said == [
        f"warning: the stack is version 9.0.0 and this command {VERSION}; install the command of"
        " the stack's version"
    ]


def test_ctrl_c_says_that_it_goes_on(
    account: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    account.setattr(Connection, "put", interrupted)
    account.setenv("STATE_MACHINE", MACHINE)
    assert run(["status"]) == Exit.INTERRUPTED
    assert "what was started goes on; `stepcanary status`" in capsys.readouterr().err


def test_the_list_of_commands_cuts_no_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = command("--help").out.partition("Commands:")[2].splitlines()
    assert len(listed) > 15
    assert [line for line in listed if line.endswith("...")] == []


def test_help_is_no_misuse(command: Command) -> None:
    assert command("--help").code == 0
    assert command("--version").out == f"stepcanary {VERSION}\n"
    assert command("release", "-h").code == 0
