"""IAM: the policies that AWS manages."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from moto.iam.models import AWSManagedPolicy, IAMBackend

MARK = ":iam::aws:policy"


@contextmanager
def filled() -> Iterator[None]:
    """AWS: has managed policies of its own. moto: none, unless it loads more than a thousand."""
    attach = IAMBackend.attach_role_policy

    def attach_role_policy(self: IAMBackend, policy_arn: str, role_name: str) -> None:
        known = {policy.arn for policy in self.managed_policies.values()}
        if MARK in policy_arn and policy_arn not in known:
            path, _, name = policy_arn.partition(MARK)[2].rpartition("/")
            policy = AWSManagedPolicy(  # type: ignore[abstract]
                name, account_id=self.account_id, region=self.region_name, path=f"{path}/"
            )
            self.managed_policies[policy.arn] = policy
        attach(self, policy_arn, role_name)

    with patch.object(IAMBackend, "attach_role_policy", attach_role_policy):
        yield
