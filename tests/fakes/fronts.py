"""The fake cloud with another front before its two services: a load balancer, or VPC Lattice."""

from abc import abstractmethod
from datetime import datetime
from typing import ClassVar

from tests.fakes.alb import DEFAULT_RULE as ALB_DEFAULT_RULE
from tests.fakes.alb import LISTENER as ALB_LISTENER
from tests.fakes.alb import RULE as ALB_RULE
from tests.fakes.alb import Alb, group
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import MEMBER, Cloud
from tests.fakes.lattice import DEFAULT_RULE as LATTICE_DEFAULT_RULE
from tests.fakes.lattice import LISTENER, SERVICE, Lattice
from tests.fakes.lattice import RULE as LATTICE_RULE
from tests.fakes.past import Remembered
from tests.fakes.service import Document


class _Balanced(Cloud):
    """Two target groups, one for each service, and a third one that no release may touch."""

    versioned = False
    front: Alb | Lattice
    groups: ClassVar[dict[str, str]]
    rule: ClassVar[str]
    writes: ClassVar[str]
    healthy_state: ClassVar[str]

    def _admit(self, name: str, params: Document) -> None:
        if name.startswith(self.front.service):
            self.front._admit(name, params)

    def _answer(self, name: str, params: Document) -> Document:
        if not name.startswith(self.front.service):
            return super()._answer(name, params)
        at = None if name == self.writes else self.moment(name)
        for service, target in self.groups.items():
            self.front.targets[target] = [self.healthy_state] * self.healthy(service, at)
        if at is not None:
            return self._answer_of(at, name, params)
        answer = self.front._answer(name, params)
        if name == self.writes:
            self._see_write()
        return answer

    def _answer_of(self, moment: datetime, name: str, params: Document) -> Document:
        """What the front would have answered at that moment."""
        actions = self._actions
        self.front.actions = actions.at(moment)
        try:
            return self.front._answer(name, params)
        finally:
            self.front.actions = actions

    def _remember(self) -> None:
        """Keep from now on what the rules were."""
        self._actions = Remembered(self.clock, self.front.actions)
        self.front.actions = self._actions

    def _appmesh_DescribeRoute(self, params: Document) -> Document:  # noqa: N802
        raise AssertionError("this release has nothing to do with App Mesh")

    def weight(self, node: str) -> int:
        return self.front.weights(self.rule)[self.groups[node]]

    def described(self) -> Document:
        """The rule as AWS answers it."""
        return self.front._rule(self.rule)

    def without_weights(self) -> Document:
        bare = self.described()
        self._config(bare).pop(next(iter(MEMBER)), None)
        for entry in self._entries(bare):
            if set(self.groups.values()) & set(entry.values()):
                entry.pop("Weight", None)
                entry.pop("weight", None)
        return bare

    @abstractmethod
    def _config(self, rule: Document) -> Document:
        """What the rule says of forwarding."""

    @abstractmethod
    def _entries(self, rule: Document) -> list[Document]:
        """The weighted groups of the rule."""

    def write_foreign(self, canary: int) -> None:
        weights = {self.groups["example1"]: 100 - canary, self.groups["example2"]: canary}
        self._put({**self.front.weights(self.rule), **weights}, self.has_member())

    def add_member(self) -> None:
        self._put(self.front.weights(self.rule), True)

    def has_member(self) -> bool:
        return MEMBER.keys() <= set(self._config(self.described()))

    @abstractmethod
    def _put(self, weights: dict[str, int], member: bool = False) -> None: ...


class AlbCloud(_Balanced):
    """A login by OIDC before a forward to three groups."""

    read = "elbv2.DescribeRules"
    writes = "elbv2.ModifyRule"
    rule = ALB_RULE
    healthy_state = "healthy"
    groups: ClassVar[dict[str, str]] = {"example1": group("shop-a"), "example2": group("shop-b")}
    third = group("legacy")
    traffic: ClassVar[Document] = {
        "router": "alb",
        "listener_rule": ALB_RULE,
        "primary_target_group": groups["example1"],
        "canary_target_group": groups["example2"],
    }

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.front: Alb = Alb([*self.groups.values(), self.third])
        login = {
            "Issuer": "https://id.example.com",
            "AuthorizationEndpoint": "https://id.example.com/authorize",
            "TokenEndpoint": "https://id.example.com/token",
            "UserInfoEndpoint": "https://id.example.com/userinfo",
            "ClientId": "shop",
            "ClientSecret": "s3cret",
        }
        self._login = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": login}
        self._remember()
        first, second = self.groups.values()
        self._put({second: 0, first: 100, self.third: 20})

    def pin(self, seconds: int) -> None:
        """Let the rule keep each client where it was sent for so long."""
        self.pinned_seconds = seconds
        self._put(self.front.weights(self.rule))

    def _config(self, rule: Document) -> Document:
        forward = next(action for action in rule["Actions"] if action["Type"] == "forward")
        config: Document = forward["ForwardConfig"]
        return config

    def _entries(self, rule: Document) -> list[Document]:
        groups: list[Document] = self._config(rule)["TargetGroups"]
        return groups

    def _put(self, weights: dict[str, int], member: bool = False) -> None:
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
        config: Document = {"TargetGroups": groups, **(MEMBER if member else {})}
        if self.pinned_seconds:
            pinned = {"Enabled": True, "DurationSeconds": self.pinned_seconds}
            config["TargetGroupStickinessConfig"] = pinned
        forward = {"Type": "forward", "Order": 2, "ForwardConfig": config}
        self.front.put(self.rule, [self._login, forward])


class LatticeCloud(_Balanced):
    read = "vpc-lattice.GetRule"
    writes = "vpc-lattice.UpdateRule"
    rule = LATTICE_RULE
    healthy_state = "HEALTHY"
    groups: ClassVar[dict[str, str]] = {
        "example1": "tg-0a1b2c3d4e5f60718",
        "example2": "tg-0f1e2d3c4b5a69788",
    }
    third = "tg-00000000000000abc"
    traffic: ClassVar[Document] = {
        "router": "lattice",
        "service": SERVICE,
        "listener": LISTENER,
        "rule": LATTICE_RULE,
        "primary_target_group": groups["example1"],
        "canary_target_group": groups["example2"],
    }

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.front: Lattice = Lattice([*self.groups.values(), self.third])
        self._remember()
        first, second = self.groups.values()
        self._put({second: 0, first: 100, self.third: 20})

    def _config(self, rule: Document) -> Document:
        forward: Document = rule["action"]["forward"]
        return forward

    def _entries(self, rule: Document) -> list[Document]:
        groups: list[Document] = self._config(rule)["targetGroups"]
        return groups

    def _put(self, weights: dict[str, int], member: bool = False) -> None:
        groups = [{"targetGroupIdentifier": id, "weight": w} for id, w in weights.items()]
        more = MEMBER if member else {}
        self.front.put(self.rule, {"forward": {"targetGroups": groups, **more}})


class AlbListenerCloud(AlbCloud):
    """The same as the listener's default action, which is not written as a rule."""

    read = "elbv2.DescribeListeners"
    writes = "elbv2.ModifyListener"
    rule = ALB_LISTENER
    traffic: ClassVar[Document] = {
        "router": "alb",
        "listener": ALB_LISTENER,
        "primary_target_group": AlbCloud.groups["example1"],
        "canary_target_group": AlbCloud.groups["example2"],
    }

    def described(self) -> Document:
        return self.front._rule(ALB_DEFAULT_RULE)


class LatticeListenerCloud(LatticeCloud):
    """The same as the listener's default action, which is not written as a rule."""

    read = "vpc-lattice.GetListener"
    writes = "vpc-lattice.UpdateListener"
    rule = LATTICE_DEFAULT_RULE
    traffic: ClassVar[Document] = {
        key: value for key, value in LatticeCloud.traffic.items() if key != "rule"
    }


CLOUDS: dict[str, type[Cloud]] = {"appmesh": Cloud, "alb": AlbCloud, "lattice": LatticeCloud}
"""By router."""

DEFAULT_ACTIONS: dict[str, type[Cloud]] = {
    "alb listener": AlbListenerCloud,
    "lattice listener": LatticeListenerCloud,
}


class ThreeFronts(Cloud):
    """One pair of services behind an App Mesh route, a load balancer's rule and a Lattice rule."""

    writes: ClassVar[tuple[str, ...]] = (
        "appmesh.UpdateRoute",
        AlbCloud.writes,
        LatticeCloud.writes,
    )

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.alb, self.lattice = AlbCloud(clock), LatticeCloud(clock)
        for other in (self.alb, self.lattice):
            other.services, other.definitions = self.services, self.definitions

    def all_traffic(self) -> list[Document]:
        return [self.traffic, self.alb.traffic, self.lattice.traffic]

    def splits(self) -> list[tuple[int, int]]:
        return [self.split(), self.alb.split(), self.lattice.split()]

    def all_without_weights(self) -> list[Document]:
        clouds: list[Cloud] = [self.alb, self.lattice]
        return [self.without_weights(), *(cloud.without_weights() for cloud in clouds)]

    def _behind(self, name: str) -> _Balanced | None:
        return next((c for c in (self.alb, self.lattice) if name.startswith(c.front.service)), None)

    def _admit(self, name: str, params: Document) -> None:
        if cloud := self._behind(name):
            cloud._admit(name, params)

    def _answer(self, name: str, params: Document) -> Document:
        if not (cloud := self._behind(name)):
            return super()._answer(name, params)
        cloud.lag = self.lag
        self.advance()
        return cloud._answer(name, params)
