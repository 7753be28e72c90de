"""Outputs: what CloudFormation answers about the stack stepcanary, which is deployed without it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudformation.models import cloudformation_backends

from emulator import template
from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps import cloudformation
from sandbox.stack import NAME


def describe(
    client: Callable[[str], Any], given: Mapping[str, str], *, machine: str, ledger: str
) -> None:
    """Put up the stack with these parameters, as template.yaml declares it."""
    document = template.document()
    queue = client("sqs").get_queue_url(QueueName=f"{NAME}-FailedEvents")["QueueUrl"]
    made = {function.name: function.deployed for function in template.functions()}
    made |= {"ReleaseStateMachine": machine, "LedgerTable": ledger, "FailedEvents": queue}
    made["AnswerSlackFunctionUrl.FunctionUrl"] = f"https://{NAME}.lambda-url.{REGION}.on.aws/"
    declared = document["Parameters"].items()
    parameters = {name: str(each.get("Default", "")) for name, each in declared} | dict(given)

    def value(text: Any) -> str:
        """What `!Ref`, `!GetAtt`, `!Sub` and `!FindInMap` stand for; other text is itself."""
        if isinstance(text, list) and text[0] in document.get("Mappings", {}):
            mapping, first, second = text
            return str(document["Mappings"][mapping][first][second])
        if not isinstance(text, str):
            raise NotImplementedError(f"the sandbox cannot tell what {text} is, which is an output")
        if text in document["Resources"] and text not in made:
            raise NotImplementedError(f"the sandbox knows nothing of {text}, which is an output")
        known = {**parameters, **made}
        filled = re.sub(r"\$\{([\w.]+)\}", lambda found: known[found[1]], text)
        return known.get(filled, filled)

    cloudformation.stand(
        cloudformation_backends[ACCOUNT][REGION],
        NAME,
        parameters=parameters,
        resources={
            name: (resource["Type"].replace("Serverless", "Lambda"), made[name])
            for name, resource in document["Resources"].items()
            if name in made
        },
        outputs={
            name: {"Description": output.get("Description"), "Value": value(output["Value"])}
            for name, output in document["Outputs"].items()
        },
    )
