"""What botocore has no shape for is found in answers as they stand on the wire.

The bodies are written out here, and botocore does all that it does with what comes from the
network.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from stepcanary.aws import clients, ecs, members
from stepcanary.domain.members import Paths
from stepcanary.domain.profile import AlbTraffic, AppMeshTraffic, LatticeTraffic
from stepcanary.errors import AwsUnavailable, RequestRejected
from stepcanary.traffic.alb import AlbRouter
from stepcanary.traffic.factory import router_for
from tests.adapters.stands.stand import FACTORIES
from tests.fakes.alb import LISTENER, RULE, group
from tests.fakes.lattice import LISTENER as LATTICE_LISTENER
from tests.fakes.lattice import RULE as LATTICE_RULE
from tests.fakes.lattice import SERVICE
from tests.fakes.service import Document

A, B = group("shop-a"), group("shop-b")
TG_A, TG_B = "tg-0a1b2c3d4e5f60718", "tg-0f1e2d3c4b5a69788"


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


class Wire:
    """Answers every request with the body, below botocore's parsers."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200

    def send(self, **_: Any) -> AWSResponse:
        return AWSResponse("https://fake", self.status, HTTPHeaders(), _Raw(self.body))

    def answer(self, document: Document) -> None:
        self.body = json.dumps(document).encode()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    for service in ("appmesh", "ecs", "elbv2", "vpc_lattice"):
        client = FACTORIES[service]()
        client.meta.events.register("before-send.*.*", wire.send)
        monkeypatch.setattr(clients, service, lambda client=client: client)
    return wire


def action(number: int, more: str = "", in_config: str = "", in_group: str = "") -> str:
    return f"""<member>
      <Type>forward</Type>
      <Order>{number}</Order>{more}
      <ForwardConfig>{in_config}
        <TargetGroups>
          <member><TargetGroupArn>{A}</TargetGroupArn><Weight>100</Weight>{in_group}</member>
          <member><TargetGroupArn>{B}</TargetGroupArn><Weight>0</Weight></member>
        </TargetGroups>
        <TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig>
      </ForwardConfig>
    </member>"""


def rules(*actions: str, more: str = "") -> bytes:
    """One rule for each, the first one being RULE."""
    arns = [RULE, *(f"{RULE[:-1]}{number}" for number in range(9))]
    each = "".join(
        f"""<member>
          <IsDefault>false</IsDefault>
          <Priority>10</Priority>{more}
          <Conditions><member><Field>path-pattern</Field><Values><member>/*</member></Values>
            <Glob>true</Glob></member></Conditions>
          <Actions>{listed}</Actions>
          <RuleArn>{arn}</RuleArn>
        </member>"""
        for arn, listed in zip(arns, actions, strict=False)
    )
    return _elb("DescribeRules", f"<Rules>{each}</Rules>")


def _elb(operation: str, result: str) -> bytes:
    return f"""<{operation}Response
      xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
      <{operation}Result>{result}</{operation}Result>
      <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
    </{operation}Response>""".encode()


def listener(actions: str) -> bytes:
    return _elb(
        "DescribeListeners",
        f"""<Listeners><member>
          <ListenerArn>{LISTENER}</ListenerArn><Port>443</Port><Quic>true</Quic>
          <DefaultActions>{actions}</DefaultActions>
        </member></Listeners>""",
    )


def alb(arn: str = RULE) -> AlbTraffic:
    named = {"listener": arn} if arn == LISTENER else {"listener_rule": arn}
    document = {"primary_target_group": A, "canary_target_group": B, **named}
    return AlbTraffic.model_validate({"router": "alb", **document})


@pytest.mark.parametrize(
    ("listed", "unknown"),
    [
        (action(1), ()),
        (action(1, more="<Mirror><Arn>x</Arn></Mirror>"), ("Rules[].Actions[].Mirror",)),
        (action(1, in_config="<Zones/>"), ("Rules[].Actions[].ForwardConfig.Zones",)),
        (
            action(1, in_group="<Zone>a</Zone>"),
            ("Rules[].Actions[].ForwardConfig.TargetGroups[].Zone",),
        ),
        (
            "<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig>"
            "<Issuer>https://id.example.com</Issuer><Pkce>true</Pkce>"
            "<AuthenticationRequestExtraParams><entry><key>a</key><value>b</value></entry>"
            "</AuthenticationRequestExtraParams></AuthenticateOidcConfig></member>" + action(2),
            ("Rules[].Actions[].AuthenticateOidcConfig.Pkce",),
        ),
        (
            action(1, more="<B>1</B>", in_config="<A/>"),
            ("Rules[].Actions[].B", "Rules[].Actions[].ForwardConfig.A"),
        ),
    ],
)
def test_members_of_actions_are_found_in_xml(wire: Wire, listed: str, unknown: Paths) -> None:
    """And neither those of conditions nor of the rule, which a write leaves as they are."""
    wire.body = rules(listed, more="<Owner>me</Owner>")
    assert router_for(alb()).read().unknown == unknown
    wire.body = listener(listed)
    expected = tuple(p.replace("Rules[].Actions", "Listeners[].DefaultActions") for p in unknown)
    assert router_for(alb(LISTENER)).read().unknown == expected


def test_what_a_member_has_is_compared_whatever_its_form(wire: Wire) -> None:
    found = []
    for percent in ("<Mirror><P>1</P></Mirror>", "<Mirror>  <P>1</P> </Mirror>", "<Mirror/>"):
        wire.body = rules(action(1, more=percent))
        found.append(router_for(alb()).read().unknown_values)
    assert found[0] == found[1] != found[2]


def test_of_rules_that_are_read_together_each_has_its_own(wire: Wire) -> None:
    plain, strange = action(1), action(1, more="<Mirror/>")
    wire.body = rules(plain, strange, plain)
    traffics = [alb(f"{RULE[:-1]}{last}") for last in (RULE[-1], "0", "1")]
    found = [reading.unknown for reading in AlbRouter.read_together(traffics)]
    assert found == [(), ("Rules[].Actions[].Mirror",), ()]


def test_an_action_of_a_type_that_is_not_known_is_refused(wire: Wire) -> None:
    """Also without a member of its own, and whatever may be lost."""
    wire.body = rules("<member><Type>challenge</Type><Order>1</Order></member>" + action(2))
    router = router_for(alb())
    reading = router.read()
    assert reading.unknown == ()
    with pytest.raises(RequestRejected, match=r"type challenge, which this stack does not know"):
        router.check(reading)
    wire.body = rules("<member><Type>mirror</Type><MirrorConfig/></member>")
    with pytest.raises(RequestRejected, match="does not forward, its action is mirror"):
        router.read()


ROUTE: Document = {
    "meshName": "example",
    "routeName": "example",
    "virtualRouterName": "example",
    "metadata": {"version": 3, "newest": True},
    "status": {"status": "ACTIVE"},
}
MESH = AppMeshTraffic.model_validate(
    {
        "router": "appmesh",
        "mesh": "example",
        "virtual_router": "example",
        "route": "example",
        "primary_node": "example1",
        "canary_node": "example2",
    }
)


def http(in_target: Document, in_match: Document, **more: Any) -> Document:
    targets = [
        {"virtualNode": "example1", "weight": 100, **in_target},
        {"virtualNode": "example2", "weight": 0},
    ]
    match = {"prefix": "/", "headers": [{"name": "x", "match": in_match}]}
    return {"match": match, "action": {"weightedTargets": targets}, **more}


EXACT = {"exact": "1"}


@pytest.mark.parametrize(
    ("spec", "unknown"),
    [
        ({"httpRoute": http({}, EXACT)}, ()),
        ({"httpRoute": http({}, EXACT), "shadow": {"weight": 1}}, ("route.spec.shadow",)),
        ({"http2Route": http({}, EXACT, mirror={})}, ("route.spec.http2Route.mirror",)),
        (
            {"http2Route": http({"zone": "a"}, EXACT)},
            ("route.spec.http2Route.action.weightedTargets[].zone",),
        ),
        (
            {"httpRoute": http({}, {"wildcard": "*"})},
            ("route.spec.httpRoute.match.headers[].match.wildcard",),
        ),
        (
            {"httpRoute": http({}, {**EXACT, "ignoreCase": True})},
            ("route.spec.httpRoute.match.headers[].match.ignoreCase",),
        ),
        ({"httpRoute": http({}, EXACT, timeout=None, mirror=None)}, ()),
    ],
)
def test_members_of_a_spec_are_found_in_json(wire: Wire, spec: Document, unknown: Paths) -> None:
    """And not those of the route's metadata."""
    wire.answer({**ROUTE, "spec": spec})
    reading = router_for(MESH).read()
    assert reading.unknown == unknown
    assert (reading.split.primary, reading.version) == (100, 3)
    assert "SDK_UNKNOWN_MEMBER" not in json.dumps(reading.document)


def test_a_route_of_an_unknown_kind_is_refused_by_its_name(wire: Wire) -> None:
    wire.answer({**ROUTE, "spec": {"quicRoute": http({}, EXACT)}})
    with pytest.raises(RequestRejected, match=r"has route\.spec\.quicRoute, which .* update the"):
        router_for(MESH).read()


def lattice(rule: str | None) -> LatticeTraffic:
    named = {"service": SERVICE, "listener": LATTICE_LISTENER, "rule": rule}
    document = {"primary_target_group": TG_A, "canary_target_group": TG_B, **named}
    return LatticeTraffic.model_validate({"router": "lattice", **document})


def forward(in_group: Document, **more: Any) -> Document:
    groups = [
        {"targetGroupIdentifier": TG_A, "weight": 100, **in_group},
        {"targetGroupIdentifier": TG_B, "weight": 0},
    ]
    return {"forward": {"targetGroups": groups, **more}}


@pytest.mark.parametrize(
    ("found", "unknown"),
    [
        (forward({}), ()),
        (forward({}, retry={"times": 2}), ("action.forward.retry",)),
        (forward({"zone": "a"}), ("action.forward.targetGroups[].zone",)),
        ({**forward({}), "mirror": {"weight": 1}}, ("action.mirror",)),
    ],
)
def test_members_of_an_action_are_found_in_json(
    wire: Wire, found: Document, unknown: Paths
) -> None:
    """And not those of the match, which a write leaves as it is."""
    match = {"httpMatch": {"pathMatch": {"match": {"glob": "*"}}, "new": 1}, "tlsMatch": {}}
    wire.answer({"isDefault": False, "priority": 10, "match": match, "action": found})
    reading = router_for(lattice(LATTICE_RULE)).read()
    assert (reading.unknown, reading.split.primary) == (unknown, 100)
    wire.answer({"protocol": "HTTPS", "alpn": "h3", "defaultAction": found})
    reading = router_for(lattice(None)).read()
    assert reading.unknown == tuple(path.replace("action", "defaultAction", 1) for path in unknown)


def test_an_action_of_lattice_that_is_not_known_is_refused_by_its_name(wire: Wire) -> None:
    wire.answer({"isDefault": False, "action": {"redirect": {"host": "example.com"}}})
    with pytest.raises(RequestRejected, match="its action is redirect, which this stack does not"):
        router_for(lattice(LATTICE_RULE)).read()


def definition(*, container: Document, **more: Any) -> Document:
    return {
        "taskDefinitionArn": f"arn:aws:ecs:us-east-1:{'1' * 12}:task-definition/example1:1",
        "family": "example1",
        "revision": 1,
        "status": "ACTIVE",
        "registeredAt": 1.76e9,
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability", "optional": False}],
        "containerDefinitions": [{"name": "app", "image": "shop:v1", **container}],
        **more,
    }


@pytest.mark.parametrize(
    ("described", "tags", "unknown"),
    [
        (definition(container={}), [], ()),
        (
            definition(container={"snapshot": True}),
            [],
            ("taskDefinition.containerDefinitions[].snapshot",),
        ),
        (
            definition(
                container={"resourceRequirements": [{"type": "GPU", "sharingStrategy": {"x": {}}}]}
            ),
            [],
            ("taskDefinition.containerDefinitions[].resourceRequirements[].sharingStrategy.x",),
        ),
        (definition(container={}, hibernation={"on": 1}), [], ("taskDefinition.hibernation",)),
        (definition(container={}), [{"key": "a", "scope": "b"}], ("tags[].scope",)),
        (
            definition(container={}, volumes=[{"name": "v", "newVolumeConfiguration": {}}]),
            [],
            ("taskDefinition.volumes[].newVolumeConfiguration",),
        ),
    ],
)
def test_members_of_a_task_definition_are_found_in_json(
    wire: Wire, described: Document, tags: list[Document], unknown: Paths
) -> None:
    """And not those of what is only read: in this answer, `requiresAttributes`."""
    wire.answer({"taskDefinition": described, "tags": tags})
    found = ecs.describe_task_definition("example1")
    assert found.unknown == unknown
    assert "SDK_UNKNOWN_MEMBER" not in json.dumps(found.document)


def test_an_answer_that_cannot_be_read_is_tried_again(wire: Wire) -> None:
    wire.body = b"<html>half an ans"
    with pytest.raises(AwsUnavailable, match="parse"):
        router_for(alb()).read()
    wire.answer({**ROUTE, "spec": {"httpRoute": http({}, {**EXACT, "prefix": "1"})}})
    with pytest.raises(AwsUnavailable, match="did not answer"):
        router_for(MESH).read()


def test_the_default_rule_is_refused_whatever_it_has(wire: Wire) -> None:
    wire.body = rules(action(1, more="<New/>")).replace(b"<IsDefault>false", b"<IsDefault>true")
    with pytest.raises(RequestRejected, match="default rule"):
        router_for(alb()).read()


def test_an_answer_that_was_not_parsed_has_no_unknown_members() -> None:
    assert members.unknown({}, ["Rules[0].Actions"]) == ()
