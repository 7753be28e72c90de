"""Proposing: a profile for two ECS services, as what divides requests between them is found."""

import json
from shlex import quote
from typing import Any

import click

from stepcanary.domain.request import ServiceRequest, parse, parse_profile
from stepcanary.errors import RequestRejected
from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing import routes
from stepcanary_cli.dividing.route import Route
from stepcanary_cli.failures import Misuse
from stepcanary_cli.options import common, use
from stepcanary_cli.outcomes import Answer, Exit

PREFIX = "/stepcanary/profiles"


@click.command()
@click.argument("primary")
@click.argument("canary")
@click.option(
    "--cluster", default="default", show_default=True, help="Where both ECS services are."
)
@click.option("--service", default="", help="Name for the profile (default: the primary's).")
@click.option(
    "--alarm",
    "alarms",
    multiple=True,
    metavar="NAME",
    help="That judges the canary; once for each.",
)
@click.option(
    "--route",
    "chosen",
    multiple=True,
    metavar="ARN",
    help="Of those that divide the requests; once for each.",
)
@click.option(
    "--prefix", default=PREFIX, show_default=True, help="The stack's parameter ProfilePrefix."
)
@common
def init(
    primary: str,
    canary: str,
    cluster: str,
    service: str,
    alarms: tuple[str, ...],
    chosen: tuple[str, ...],
    prefix: str,
) -> Exit:
    """Propose the profile of two ECS services.

    It is JSON on standard output, and beside it are the commands that are still to be given.
    """
    if primary == canary:
        raise Misuse(f"{primary}: primary and canary must be two ECS services; name another one")
    mine = use()
    service = service or primary
    both = ours, theirs = _services(mine.connection, cluster, primary, canary)
    found = _chosen(
        routes(mine.connection, ours, theirs, mine.screen.warn), chosen, primary, canary
    )
    profile = {
        "cluster": cluster,
        "primary": primary,
        "canary": canary,
        "traffic": [route.traffic for route in found],
        "alarms": list(alarms),
    }
    _require_valid(service, profile)
    commands = [*_tagging(both), *(route.tag for route in found if route.tag)]
    commands.append(
        f"aws ssm put-parameter --name {quote(prefix.rstrip('/'))}/{service} --type String"
        f" --tier Intelligent-Tiering --value file://{service}.json"
    )
    mine.screen.answer({"profile": profile, "commands": commands}, json.dumps(profile, indent=2))
    if not alarms:
        mine.screen.warn("no alarm judges the canary, only time; name some with --alarm")
    mine.screen.warn(f"save it as {service}.json, then give\n  " + "\n  ".join(commands))
    return Exit.DONE


def _services(connection: Connection, cluster: str, *names: str) -> list[Answer]:
    ecs = connection.client("ecs")
    try:
        answer = connection.call(
            ecs.describe_services, cluster=cluster, services=list(names), include=["TAGS"]
        )
    except Misuse as misuse:
        if not isinstance(misuse.__cause__, ecs.exceptions.ClusterNotFoundException):
            raise
        raise Misuse(
            f"there is no ECS cluster {cluster}; name that of both with --cluster"
        ) from misuse
    found = {each["serviceName"]: each for each in answer["services"] if each["status"] == "ACTIVE"}
    for name in names:
        if name not in found:
            raise Misuse(f"there is no ECS service {name} in cluster {cluster}; see --cluster")
    return [found[name] for name in names]


def _chosen(found: list[Route], chosen: tuple[str, ...], primary: str, canary: str) -> list[Route]:
    """Raises `Misuse` where it is not clear which are meant."""
    names = ", ".join(route.name for route in found)
    if not found:
        raise Misuse(
            f"nothing divides requests between {primary} and {canary}: no listener rule, Lattice"
            " rule or App Mesh route lists both; docs/routers.md says how one does"
        )
    if not chosen:
        if len(found) > 1:
            raise Misuse(
                f"{len(found)} divide requests between {primary} and {canary}; name with --route"
                f" those that a release is to move together: {names}"
            )
        return found
    if unknown := [arn for arn in chosen if arn not in {route.name for route in found}]:
        raise Misuse(f"--route {unknown[0]}: does not divide them; these do: {names}")
    return [route for route in found if route.name in chosen]


def _tagging(services: list[Answer]) -> list[str]:
    def opted_in(service: Answer) -> bool:
        tags: list[dict[str, Any]] = service.get("tags", [])
        return {"key": "stepcanary", "value": "managed"} in tags

    return [
        f"aws ecs tag-resource --resource-arn {service['serviceArn']}"
        " --tags key=stepcanary,value=managed"
        for service in services
        if not opted_in(service)
    ]


def _require_valid(service: str, profile: Answer) -> None:
    """ECS allows names that no release can be asked for by."""
    try:
        parse(ServiceRequest, {"service": service}, "--service")
        parse_profile(json.dumps(profile), "the proposal")
    except RequestRejected as rejected:
        raise Misuse(str(rejected)) from rejected
