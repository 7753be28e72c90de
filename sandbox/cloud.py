"""Cloud: the sandbox as one object: moto as the AWS API, and everything real behind it."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import boto3
from moto.server import ThreadedMotoServer

from sandbox import article, ecs, stack, workflow
from sandbox.ecs import EcsAgent
from sandbox.gateway import Gateway
from sandbox.metrics import Metrics

LOG = Path("build/sandbox.log")
TABLE = "stepcanary-ledger"
SECONDS_PER_PERIOD = 1.0
"""How long an alarm's period lasts here; on AWS it would be a minute."""


def environment(endpoint: str) -> dict[str, str]:
    """The variables with which any SDK or the AWS CLI uses the sandbox."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": stack.REGION,
        # Cloud Map's DiscoverInstances would go to a host named data-127.0.0.1.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Sandbox:
    """A context manager; while it is open the stack is deployed and the article's mesh serves."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._opened = ExitStack()
        self.endpoint = ""
        self.machine = ""

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=stack.REGION, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def split(self) -> tuple[int, int]:
        """Weights of primary and canary in the article's route."""
        route = self.client("appmesh").describe_route(
            meshName="example", virtualRouterName="example", routeName="example"
        )["route"]
        targets = route["spec"]["httpRoute"]["action"]["weightedTargets"]
        weights = {t["virtualNode"]: t["weight"] for t in targets}
        return weights["example1"], weights["example2"]

    def image(self, service: str) -> str:
        """The image in the task definition that an ECS service runs."""
        ecs_client = self.client("ecs")
        described = ecs_client.describe_services(cluster="example", services=[service])
        arn = described["services"][0]["taskDefinition"]
        definition = ecs_client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        image: str = definition["containerDefinitions"][0]["image"]
        return image

    def _open(self) -> None:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        server.start()
        self._opened.callback(server.stop)
        host, port = server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        os.environ.pop("AWS_PROFILE", None)
        os.environ.update(
            environment(self.endpoint),
            POWERTOOLS_SERVICE_NAME="stepcanary",
            POWERTOOLS_METRICS_NAMESPACE="StepCanary",
            POWERTOOLS_METRICS_FUNCTION_NAME="sandbox",
            LEDGER_TABLE=TABLE,
            PROFILE_PREFIX="/stepcanary/profiles",
        )
        self._opened.callback(ecs.install())
        self._opened.enter_context(workflow.engine(stack.handlers()))
        self._deploy_stack()
        envoy = Gateway()
        article.create(self.client, envoy.port)
        agent = EcsAgent()
        agent.start()
        self._opened.callback(agent.close)
        envoy.start()
        self._opened.callback(envoy.close)
        self.url, self.admin_url = envoy.url, envoy.admin_url
        meter = Metrics(envoy, seconds_per_period=SECONDS_PER_PERIOD)
        meter.start()
        self._opened.callback(meter.close)

    def _deploy_stack(self) -> None:
        self.client("dynamodb").create_table(TableName=TABLE, **stack.ledger_schema())
        self.machine = self.client("stepfunctions").create_state_machine(
            name=stack.machine_name(),
            definition=stack.definition(),
            roleArn=f"arn:aws:iam::{stack.ACCOUNT}:role/stepcanary-release",
        )["stateMachineArn"]
