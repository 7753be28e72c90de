"""Every error that a release can end on, as a named fact. The message says what to do."""


class ReleaseError(Exception):
    """A known way for a release to fail."""


class AwsUnavailable(ReleaseError):
    """AWS throttled the call or failed inside. The state machine tries again."""


class AwsRefused(ReleaseError):
    """AWS said no for good: denied, not found, invalid. `code` is the AWS error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class RequestRejected(ReleaseError):
    """The request cannot be released as it stands. Nothing was changed."""


class SplitBusy(RequestRejected):
    """Another release has this split. `holder` is its execution."""

    def __init__(self, message: str, holder: str, split: str) -> None:
        super().__init__(message)
        self.holder = holder
        self.split = split


class LeaseHeld(ReleaseError):
    """Another execution may write this split."""


class SplitTaken(LeaseHeld):
    """Another release has begun between the plan and its lease, so it is asked whose turn it is."""


class SplitUnsettled(ReleaseError):
    """A dead execution's split is being put right. The state machine tries again."""


class LeaseLost(ReleaseError):
    """This execution held the lease once and no longer does, so it must not write."""


class DocumentUnreadable(ReleaseError):
    """The ledger has no document of this release that this version of the stack can read."""


class StageOver(ReleaseError):
    """The release has gone on to a later stage, so this act comes too late and must not happen."""


class RevertRequested(ReleaseError):
    """A signal asked for a revert: an alarm's, or a person's."""


class SignalRefused(ReleaseError):
    """Nothing runs that this signal could tell anything. Nothing was changed."""


class SplitDrifted(ReleaseError):
    """The split is not as this release wrote it: somebody else did."""


class CanaryAlarmed(ReleaseError):
    """An alarm of the canary fired while ECS was waited for."""


class NotEnoughCapacity(ReleaseError):
    """A side has too few healthy targets for the weight it would get."""


class CanaryShort(NotEnoughCapacity):
    """The canary has too few healthy targets for the traffic that it serves."""


class DeploymentFailed(ReleaseError):
    """ECS gave the deployment up, or replaced it."""


class DeploymentOverdue(ReleaseError):
    """The deployment was not steady before its deadline."""
