"""Every error that a release can end on, as a named fact. The message says what to do.

Who answers each:

    ReleaseError
    ├── AwsUnavailable          the state machine, or Lambda, tries again
    │   └── AwsThrottled        the same, for longer: others use the account's rate as well
    ├── AwsRefused              the phase's Catch; at the plan it is a rejection
    │   └── SdkMisused          the same, and us: nothing that a user does mends it
    ├── RequestRejected         a person: nothing was changed
    │   ├── ProfileMissing      a person: no such service is known
    │   └── LeaseHeld           a person: somebody else has what the request needs
    │       └── SplitTaken      `concurrency` of the profile: reject, supersede or queue
    ├── SplitUnsettled          the state machine opens again, for ten minutes
    ├── LeaseLost               the execution closes: others have its release in hand
    ├── DocumentUnreadable      a person, by the alarm on stranded splits: another version wrote it
    ├── StageOver               the same: the act was delivered late
    ├── BatchUnreadable         a person, by the alarm on CountRequests
    ├── SignalRefused           whoever sent the signal
    ├── RevertRequested         the phase's Catch: it reverts
    ├── SplitDrifted            the same; while the old version comes back, the canary takes over
    ├── CanaryAlarmed           the phase's Catch: it reverts
    ├── NotEnoughCapacity       the state machine tries again until the act is overdue
    │   └── CanaryShort         the phase's Catch: the old version comes back without a gate
    ├── FixtureKept             help from outside, which takes it down when its time has come
    ├── ForeignDeployment       the phase's Catch: it reverts; what somebody deployed stays
    ├── PrimaryDown             a person: the canary keeps the traffic until the primary serves
    ├── DeploymentFailed        the phase's Catch
    └── DeploymentOverdue       the phase's Catch

The Catch of the rollout reverts; that of the promotion leaves the traffic on the canary.
"""

LONGEST_MESSAGE = 4_000
"""Of one error; a release has fifty alarms and ten routes, and each may have its sentence. What
Step Functions keeps of a failure is 32,768 characters; see
https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html"""


class ReleaseError(Exception):
    """A known way for a release to fail."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message[:LONGEST_MESSAGE])


class AwsUnavailable(ReleaseError):
    """AWS failed inside, or did not answer. The state machine tries again."""


class AwsThrottled(AwsUnavailable):
    """The account's rate for this call is used up. The state machine tries for half an hour."""


class AwsRefused(ReleaseError):
    """AWS refused for good: denied, not found, invalid. `code` is the AWS error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SdkMisused(AwsRefused):
    """The SDK did not take a call of ours, so AWS never saw it. `code` is the SDK's class."""


class RequestRejected(ReleaseError):
    """The request cannot be released as it stands. Nothing was changed."""


class ProfileMissing(RequestRejected):
    """No profile of this service is stored."""


class LeaseHeld(RequestRejected):
    """Another execution may write this split, or deploy to these ECS services."""


class SplitTaken(LeaseHeld):
    """Another release has the split: `holder` is its execution, `split` the key, where known.

    Found at the plan, `concurrency` says what then. Found at the opening, it took the split after
    this release was planned: the state machine plans again, which applies `concurrency`.
    """

    def __init__(self, message: str, holder: str = "", split: str = "") -> None:
        super().__init__(message)
        self.holder = holder
        self.split = split


class SplitUnsettled(ReleaseError):
    """A dead execution's split is being put right. The state machine tries again."""


class LeaseLost(ReleaseError):
    """This execution held the lease once and no longer does, so it must not write."""


class DocumentUnreadable(ReleaseError):
    """The ledger has no document of this release that this version of the stack can read."""


class StageOver(ReleaseError):
    """The release has gone on to a later stage, so this act comes too late and must not happen."""


class SignalRefused(ReleaseError):
    """No running release can use this signal. Nothing was changed."""


class RevertRequested(ReleaseError):
    """A signal demands a revert: an alarm's, or a person's."""


class SplitDrifted(ReleaseError):
    """The split is not as this release wrote it: somebody else did."""


class CanaryAlarmed(ReleaseError):
    """An alarm of the canary fired while ECS was waited for."""


class NotEnoughCapacity(ReleaseError):
    """A side has too few healthy targets for the weight it would get."""


class BatchUnreadable(ReleaseError):
    """A batch of log lines is not what CloudWatch Logs sends."""


class FixtureKept(ReleaseError):
    """Something stays up for a while after its release, `until` a time in epoch seconds."""

    def __init__(self, message: str, until: int) -> None:
        super().__init__(message)
        self.until = until


class CanaryShort(NotEnoughCapacity):
    """The canary does not carry the traffic that it serves, and has had its time to mend."""


class ForeignDeployment(ReleaseError):
    """Somebody else deployed another version to one of the two ECS services."""


class PrimaryDown(ReleaseError):
    """The primary has served nothing for long, and the canary carries its traffic."""


class DeploymentFailed(ReleaseError):
    """ECS gave the deployment up, or replaced it."""


class DeploymentOverdue(ReleaseError):
    """The deployment was not steady before its deadline."""
