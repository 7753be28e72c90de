"""Each bridge twice: that MiniStack does otherwise than AWS, and that it does not with the bridge.

The first one fails when a release of MiniStack does as AWS does: then the bridge goes.
"""

import asyncio
import io
import json
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from ministack.core import lambda_runtime
from ministack.services import cloudformation, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import custom_resource, provisioners

from deploycheck.bridges import elsewhere, every, functions
from deploycheck.bridges.names import ELSEWHERE, INTERPRETER, PIPELINE_STACK

Json = dict[str, Any]
BRIDGED = [pytest.param(False, id="as it is"), pytest.param(True, id="bridged")]


@pytest.fixture(params=BRIDGED)
def bridged(request: pytest.FixtureRequest) -> Iterator[bool]:
    around: AbstractContextManager[None] = every.crossed() if request.param else nullcontext()
    with around:
        yield request.param


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what MiniStack leaves behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Execution:
    """An execution of a definition in JSONata, in a thread as MiniStack runs it."""

    def __init__(self, states: Json, start: str) -> None:
        arn = "arn:aws:states:us-east-1:000000000000:execution:m:e"
        machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
        definition = {"QueryLanguage": "JSONata", "StartAt": start, "States": states}
        stepfunctions._state_machines[machine] = {"name": "m", "definition": json.dumps(definition)}
        self.record: Json = {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": "e",
            "status": "RUNNING",
            "startDate": "2026-01-01T00:00:00.000Z",
            "stopDate": None,
            "input": "{}",
            "output": None,
            "events": [],
        }
        stepfunctions._executions[arn] = self.record
        self._thread = threading.Thread(
            target=stepfunctions._run_execution, args=(arn,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        stepfunctions._stop_execution({"executionArn": self.record["executionArn"]})

    def wait_for(self, seconds: float = 10.0) -> bool:
        """Whether it has ended by then, with all that it has begun."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def entered(self) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in list(self.record["events"])
            if "stateEnteredEventDetails" in event
        ]


def invoking(**more: Any) -> Json:
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    arguments = {"FunctionName": "nobody", "Payload": {}}
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}


def parallel(states: Json, start: str) -> Json:
    return {"Type": "Parallel", "Branches": [{"StartAt": start, "States": states}], "End": True}


def test_an_expression_is_a_timeout(bridged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepfunctions, "_call_lambda", lambda *_: None)
    execution = Execution({"Wait": invoking(TimeoutSeconds="{% 1 %}")}, "Wait")
    assert execution.wait_for()
    assert execution.record["status"] == "FAILED"
    assert (execution.record["error"] == "States.Timeout") is bridged


def test_an_end_has_an_output(bridged: bool) -> None:
    execution = Execution({"Done": {"Type": "Succeed", "Output": {"a": "{% 1 + 1 %}"}}}, "Done")
    assert execution.wait_for()
    assert (json.loads(execution.record["output"]) == {"a": 2}) is bridged


def test_a_function_that_fails_fails_the_wait_for_its_callback(
    bridged: bool,
) -> None:
    execution = Execution({"Wait": invoking(TimeoutSeconds=2)}, "Wait")
    assert execution.wait_for()
    error = execution.record["error"]
    assert error == ("Lambda.ResourceNotFoundException" if bridged else "States.Timeout")


def test_states_of_branches_are_in_the_history(bridged: bool) -> None:
    branch = parallel({"Inside": {"Type": "Pass", "End": True}}, "Inside")
    execution = Execution({"Phase": branch}, "Phase")
    assert execution.wait_for()
    assert execution.record["status"] == "SUCCEEDED"
    assert execution.entered() == (["Phase", "Inside"] if bridged else ["Phase"])


def test_a_branch_ends_with_its_execution(bridged: bool) -> None:
    """And what was stopped stays so."""
    states = {
        "First": {"Type": "Wait", "Seconds": 1, "Next": "Second"},
        "Second": {"Type": "Fail", "Error": "RanOn"},
    }
    execution = Execution({"Phase": parallel(states, "First")}, "Phase")
    time.sleep(0.4)
    execution.stop()
    assert execution.wait_for()
    assert execution.record["status"] == ("ABORTED" if bridged else "FAILED")
    assert (execution.record["error"] == "RanOn") is not bridged


def code(text: str, name: str = "index.py") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(name, text)
    return written.getvalue()


def invoked(name: str, text: str, layers: tuple[str, ...] = ()) -> Json:
    config = {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 30,
        "Layers": [{"Arn": layer} for layer in layers],
    }
    answer: Json = lambda_svc._execute_function_warm(
        {"config": config, "code_zip": code(text)}, {}, "request"
    )
    return answer


RAISES = "class SplitBusy(Exception): pass\ndef handler(*_): raise SplitBusy('it is busy')\n"
EXECUTABLE = "import sys\ndef handler(*_): return sys.executable\n"


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> str:
    """The Python that this environment was made with, which has none of its libraries."""
    found = str(getattr(sys, "_base_executable", sys.executable))
    monkeypatch.setenv(INTERPRETER, found)
    return found


@pytest.mark.usefixtures("python")
def test_an_error_has_the_name_of_its_class(bridged: bool) -> None:
    answer = invoked(f"raises-{bridged}", RAISES)
    assert answer["body"]["errorMessage"] == "it is busy"
    assert (answer["body"]["errorType"] == "SplitBusy") is bridged


def test_a_function_has_no_library_of_the_emulator(bridged: bool, python: str) -> None:
    answer = invoked(f"executable-{bridged}", EXECUTABLE)
    assert answer["body"] == (python if bridged else sys.executable)


LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:libraries:{}"
LAYERED = "import library\ndef handler(*_): return library.__file__\n"


@pytest.mark.usefixtures("python")
def test_a_layer_is_unpacked_once(bridged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = code("", "python/library.py")
    monkeypatch.setattr(lambda_svc, "_resolve_layer_zip", lambda _layer: packed)
    layers = (LAYER.format(int(bridged) + 1),)
    files = {invoked(f"layered-{n}-{bridged}", LAYERED, layers)["body"] for n in range(2)}
    assert all(file.endswith("/python/library.py") for file in files)
    assert len(files) == (1 if bridged else 2)


def test_the_worker_tells_errors_where_the_bridge_looks() -> None:
    assert lambda_runtime._PYTHON_WORKER_SCRIPT.count(functions.ERROR) == 1


def test_a_custom_resource_answers_in_s3(bridged: bool) -> None:
    url = custom_resource._response_url("token")
    assert urlsplit(url).scheme == ("https" if bridged else "http")
    assert url.endswith("/_ministack/cfn-response/token")


CONNECTS = """
from http.client import HTTPSConnection
def handler(*_):
    return HTTPSConnection("a.s3.us-east-1.amazonaws.com").port
"""


@pytest.mark.usefixtures("python")
def test_what_is_at_amazonaws_is_reached(bridged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    answer = invoked(f"connects-{bridged}", CONNECTS)
    assert answer["body"] == (4566 if bridged else 443)


MATH = {
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "Metrics": [
        {"Id": "failed", "Expression": "SUM(METRICS())"},
        {
            "Id": "errors",
            "ReturnData": False,
            "MetricStat": {
                "Period": 60,
                "Stat": "Sum",
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"},
            },
        },
    ],
}


def test_an_alarm_may_be_on_metric_math(bridged: bool) -> None:
    if not bridged:
        with pytest.raises(ValueError, match="metric math"):
            provisioners._cw_metric_alarm_record("a", MATH)
        return
    record = provisioners._cw_metric_alarm_record("a", MATH)
    assert record["Metrics"] == MATH["Metrics"]
    assert not record["ActionsEnabled"]


@pytest.mark.parametrize("source", ["aws.cloudwatch", "aws.states"])
def test_who_is_not_in_ministack_puts_events_from_outside(bridged: bool, source: str) -> None:
    entry = {"Source": source, "DetailType": "d", "Detail": "{}"}
    _status, _headers, body = eventbridge._put_events({"Entries": [entry]})
    refused = json.loads(body)["FailedEntryCount"]
    assert refused == (0 if bridged and source == "aws.cloudwatch" else 1)


def test_pipelines_cannot_be_made() -> None:
    """When they can, `deploycheck.pipeline` has nothing to leave out."""
    known = provisioners._RESOURCE_HANDLERS
    assert "AWS::CodeBuild::Project" in known
    assert "AWS::CodePipeline::Pipeline" not in known


@pytest.mark.parametrize(
    "name", ["shop", "stepcanary", PIPELINE_STACK, "arn:aws:cloudformation:r:1:stack/shop/1"]
)
def test_a_users_stack_is_the_sandboxs(
    bridged: bool, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(ELSEWHERE, "http://sandbox")
    asked = []

    def forwarded(*request: Any) -> tuple[int, Json, bytes]:
        asked.append(request)
        return 200, {}, b"<sandbox/>"

    monkeypatch.setattr(elsewhere, "_forwarded", forwarded)
    body = urlencode({"Action": "DescribeStacks", "StackName": name}).encode()
    asyncio.run(cloudformation.handle_request("POST", "/", {}, body, {}))
    assert len(asked) == (1 if bridged and "shop" in name else 0)
