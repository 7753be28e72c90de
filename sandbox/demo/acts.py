"""Acts: what people and pipelines do, each by the API call or the event that they would use."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import article
from sandbox.cloud import Sandbox
from sandbox.demo.examples import example

Steps = list[dict[str, int]]

QUICK: Steps = [{"weight": 50, "bake_seconds": 2}, {"weight": 100, "bake_seconds": 2}]


@dataclass(frozen=True)
class Act:
    """What somebody does once the execution is in this state and the canary serves.

    `when` may put it off: it gets how many seconds the execution has been in the state. The answer
    of `do` is another execution to wait for, if that began one.
    """

    state: str
    do: Callable[[Sandbox, str], str | None]
    when: Callable[[Sandbox, float], bool] = lambda _sandbox, _seconds: True


def stop_execution(sandbox: Sandbox, execution: str) -> None:
    """As an operator would, who knows nothing of releases."""
    sandbox.client("stepfunctions").stop_execution(executionArn=execution)


def kill_canary(sandbox: Sandbox, _execution: str) -> None:
    """All tasks of the canary die, and each that ECS starts in their place does."""
    sandbox.agent.break_image(sandbox.image(article.CANARY))


def fail_one_request(sandbox: Sandbox, _execution: str) -> None:
    """The canary fails one request, and no other."""
    sandbox.agent.fail_once(article.CANARY)


def watch_share(percent: float) -> Callable[[Sandbox], None]:
    """There is an alarm on the share of the canary's bad answers."""

    def put(sandbox: Sandbox) -> None:
        series = sandbox.series(article.CANARY)
        article.put_share_alarm(sandbox.client("cloudwatch"), series, percent)

    return put


def turn_canary_bad(sandbox: Sandbox, _execution: str) -> None:
    """The canary's tasks begin to fail requests, and its alarm will fire."""
    sandbox.agent.turn_bad(article.CANARY)


def turn_version_bad(sandbox: Sandbox, _execution: str) -> None:
    """Whatever runs the version that the canary runs begins to fail requests, on both sides."""
    sandbox.agent.turn_image_bad(sandbox.image(article.CANARY))


def primary_shrunk(tasks: int, seconds: float) -> Callable[[Sandbox, float], bool]:
    """Once the primary has no more tasks than this; or, where something keeps them, after a time
    in which autoscaling would have taken them."""

    def shrunk(sandbox: Sandbox, elapsed: float) -> bool:
        return elapsed > seconds or sandbox.service(article.PRIMARY)["runningCount"] <= tasks

    return shrunk


def deploy_hotfix(tag: str) -> Callable[[Sandbox, str], None]:
    """As somebody would who knows nothing of releases: a new version, right on the primary."""

    def deploy(sandbox: Sandbox, _execution: str) -> None:
        arn = sandbox.register(article.PRIMARY, tag)
        sandbox.client("ecs").update_service(
            cluster="example", service=article.PRIMARY, taskDefinition=arn
        )

    return deploy


def apply_infrastructure(sandbox: Sandbox) -> None:
    """As Terraform does when a task definition has changed that its service ignores: a revision is
    registered, and the one before, which the primary runs, is deregistered."""
    before = sandbox.runs(article.PRIMARY)
    sandbox.register(article.PRIMARY, "v1")
    sandbox.client("ecs").deregister_task_definition(taskDefinition=before.name)


def push_again(tag: str, label: str) -> Callable[[Sandbox, str], None]:
    """Somebody pushes other bytes under a tag that is being released."""

    def push(sandbox: Sandbox, _execution: str) -> None:
        sandbox.agent.registry.push(article.image(tag), article.image(label))

    return push


def fix_and_release_again(tag: str, bad: str, fixed: str) -> Callable[[Sandbox], str]:
    """A bad version is reverted by its alarm, and the fix is released under the same tag."""

    def release(sandbox: Sandbox) -> str:
        push_again(tag, bad)(sandbox, "")
        profile = {**sandbox.profile, "steps": [{"weight": 5, "bake_seconds": 60}]}
        request = {"service": "checkout", "images": {"app": article.image(tag)}}
        execution = start_execution(sandbox, {**request, "profile": profile})
        while sandbox.record(execution)["outcome"] != "Reverted" or not sandbox.is_free():
            time.sleep(0.2)
        wait_for_alarm(sandbox)
        push_again(tag, fixed)(sandbox, "")
        return start_execution(sandbox, {**request, "profile": {**sandbox.profile, "steps": QUICK}})

    return release


def wait_for_alarm(sandbox: Sandbox) -> None:
    """Until the alarm that has fired clears again."""
    cloudwatch = sandbox.client("cloudwatch")
    while True:
        [alarm] = cloudwatch.describe_alarms(AlarmNames=[article.ALARM])["MetricAlarms"]
        if alarm["StateValue"] == "OK":
            return
        time.sleep(0.2)


def send_signal(kind: str) -> Callable[[Sandbox, str], None]:
    """A Release Signal, put on the event bus."""

    def send(sandbox: Sandbox, _execution: str) -> None:
        detail = {"service": "checkout", "signal": kind, "by": "demo"}
        entry = {
            "Source": "stepcanary",
            "DetailType": "Release Signal",
            "Detail": json.dumps(detail),
        }
        sandbox.client("events").put_events(Entries=[entry])

    return send


def take_action(action: str, **more: object) -> Callable[[Sandbox, str], None]:
    """As somebody in the console would: an execution whose input has an action."""

    def take(sandbox: Sandbox, _execution: str) -> None:
        start_execution(sandbox, {"service": "checkout", "action": action, "by": "jane", **more})

    return take


def click_button(action: str) -> Callable[[Sandbox, str], None]:
    """Jane clicks a button of the newest message that has one, as soon as it is there."""

    def click(sandbox: Sandbox, _execution: str) -> None:
        for _ in range(100):
            asking = [message for message in sandbox.slack.messages if message.buttons]
            if asking:
                assert sandbox.slack.click(asking[-1], action)["statusCode"] == 200
                return
            time.sleep(0.1)
        raise TimeoutError("no message asks for a decision")

    return click


def start_release(tag: str, **profile: object) -> Callable[[Sandbox, str], str]:
    """Another release of the service, while the first one runs."""

    def release(sandbox: Sandbox, _execution: str) -> str:
        return start_execution(
            sandbox,
            {
                "service": "checkout",
                "images": {"app": article.image(tag)},
                "profile": {**sandbox.profile, "steps": QUICK, **profile},
            },
        )

    return release


def start_execution(sandbox: Sandbox, request: dict[str, Any]) -> str:
    """The ARN of an execution with this input."""
    execution: str = sandbox.client("stepfunctions").start_execution(
        stateMachineArn=sandbox.machine, input=json.dumps(request)
    )["executionArn"]
    return execution


def write_command(text: str) -> Callable[[Sandbox], str]:
    """Jane writes a command; the answer is the execution that comes of it."""

    def write(sandbox: Sandbox) -> str:
        store_profile(sandbox, steps=QUICK, promotion={"approval": True})
        assert sandbox.slack.command(text)["statusCode"] == 200
        return find_execution(sandbox, "slack-")

    return write


def push_image(tag: str) -> Callable[[Sandbox], str]:
    """ECR tells of an image that was pushed; the answer is the execution that comes of it."""

    def push(sandbox: Sandbox) -> str:
        triggers = {
            "repository": "shop",
            "container": "app",
            "release_tags": ["v*"],
            "promote_pipelines": ["checkout-main"],
        }
        store_profile(sandbox, steps=QUICK, promotion={"approval": True}, triggers=triggers)
        _wait_for_index(sandbox)
        event = example("start_on_image")
        event["detail"]["image-tag"] = tag
        # At least once is what EventBridge promises.
        sandbox.bus.deliver(event)
        sandbox.bus.deliver(event)
        return find_execution(sandbox, "push-")

    return push


def _wait_for_index(sandbox: Sandbox) -> None:
    """A push finds a profile that is new after the next run of the schedule."""
    deadline = time.monotonic() + 10
    while "repository#shop#checkout" not in sandbox.triggers():
        assert time.monotonic() < deadline, "the profile was not indexed"
        time.sleep(0.1)


def store_profile(sandbox: Sandbox, **changed: object) -> None:
    """Store the service's profile with these changes."""
    sandbox.client("ssm").put_parameter(
        Name="/stepcanary/profiles/checkout",
        Value=json.dumps({**sandbox.profile, **changed}),
        Overwrite=True,
    )


def find_execution(sandbox: Sandbox, mark: str) -> str:
    """Wait for the one execution with this in its name."""
    sfn = sandbox.client("stepfunctions")
    for _ in range(100):
        answer = sfn.list_executions(stateMachineArn=sandbox.machine)
        found = [e["executionArn"] for e in answer["executions"] if mark in e["name"]]
        if found:
            assert len(found) == 1, "one request, one release"
            return str(found[0])
        time.sleep(0.1)
    raise TimeoutError(f"no execution has {mark} in its name")


def succeed_pipeline(sandbox: Sandbox, _execution: str) -> None:
    """CodePipeline tells of its success on `main`."""
    sandbox.bus.deliver(example("promote_on_pipeline"))
