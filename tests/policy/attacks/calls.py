"""Calls of AWS that no role of the stack may make, and that nobody else may make on the stack."""

from emulator.account import ACCOUNT, REGION
from tests.fakes.accounts import ELSEWHERE, EXTERNAL_ID, ROLE
from tests.policy.attacks.kinds import (
    BARE,
    DEVELOPER,
    EC2,
    EVENTBRIDGE,
    LOGS,
    NEIGHBOUR,
    ROLES,
    SLACK_SECRET,
    Attack,
    Calls,
    Invocations,
    arn,
)
from tests.policy.deployed import STACK, SUFFIX
from tests.policy.iam import Request

OPTED_IN = {"aws:ResourceTag/stepcanary": "managed"}
"""Who owns a resource lets the stack change it by this tag."""
LEDGER = arn("dynamodb", f"table/{STACK}-LedgerTable-{SUFFIX}")
MACHINE = arn("states", f"stateMachine:{STACK}-release")


def opted_in(request: Request) -> Request:
    return Request(request.action, request.resource, {**request.context, **OPTED_IN})


def update(name: str, cluster: str = "example") -> Request:
    """Another task definition or count for an ECS service."""
    context = {"ecs:cluster": arn("ecs", f"cluster/{cluster}")}
    return Request("ecs:UpdateService", arn("ecs", f"service/{cluster}/{name}"), context)


def bounds(namespace: str) -> Request:
    """Of Application Auto Scaling, which asks as well whether the caller may scale by hand. See
    https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
    """
    target = arn("application-autoscaling", "scalable-target/0ec5c1a2b3d4e5f6")
    context = {"application-autoscaling:service-namespace": namespace}
    return Request("application-autoscaling:RegisterScalableTarget", target, context)


def pass_role(role: str, service: str = "ecs-tasks.amazonaws.com") -> Request:
    return Request("iam:PassRole", role, {"iam:PassedToService": service})


def assume(role: str, external_id: str | None = None) -> Request:
    return Request("sts:AssumeRole", role, {"sts:ExternalId": external_id} if external_id else {})


def row(action: str, key: str) -> Request:
    """Of the ledger, by its partition key."""
    return Request(f"dynamodb:{action}", LEDGER, {"dynamodb:LeadingKeys": [key]})


def publish(detail_type: str, bus: str = "default") -> Request:
    context = {"events:source": "stepcanary", "events:detail-type": detail_type}
    return Request("events:PutEvents", arn("events", f"event-bus/{bus}"), context)


def put_report(key: str, bucket: str = "shop-reports", owner: str = ACCOUNT) -> Request:
    """Of an object; a bucket's ARN does not say whose it is."""
    return Request("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", {"aws:ResourceAccount": owner})


def balancer(action: str, name: str, account: str = ACCOUNT, region: str = REGION) -> Request:
    where = arn("elasticloadbalancing", name, account, region)
    return Request(f"elasticloadbalancing:{action}", where)


def lattice(action: str, name: str) -> Request:
    return Request(f"vpc-lattice:{action}", arn("vpc-lattice", name))


def logs(action: str) -> Request:
    return Request(f"logs:{action}", arn("logs", "log-group:/ecs/payments"))


def read(name: str) -> Request:
    return Request("ssm:GetParameter", arn("ssm", f"parameter{name}"))


RULE_NAME = "app/payments/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
LISTENER_NAME = RULE_NAME.rpartition("/")[0]
SERVICE_NAME = "service/svc-0285b53b2eEXAMPLE/listener/listener-0d4f2e1a2bEXAMPLE"
ROUTES = {
    "listener rule": balancer("ModifyRule", f"listener-rule/{RULE_NAME}"),
    "listener": balancer("ModifyListener", f"listener/{LISTENER_NAME}"),
    "Lattice rule": lattice("UpdateRule", f"{SERVICE_NAME}/rule/rule-0ab9b4c1d2EXAMPLE"),
    "Lattice listener": lattice("UpdateListener", SERVICE_NAME),
}
TARGETS = "targetgroup/payments/73e2d6bc24d8a067"
LOGIN = Request("cognito-idp:DescribeUserPoolClient", arn("cognito-idp", "userpool/us-east-1_Ab1"))
VIA_AWS = Request(LOGIN.action, LOGIN.resource, {"aws:ViaAWSService": "true"})
STACK_ID = arn("cloudformation", f"stack/{STACK}/{SUFFIX}")
COLLEAGUE = arn("lambda", f"function:{STACK}-RevertFunction-{SUFFIX}")


def one(name: str, request: Request, by: str | None = None, *unlike: Request) -> Attack:
    return Attack(name, "iam", Calls([request], by, unlike))


TO_SERVICES = [
    one("a route, by what watches releases", ROUTES["listener rule"], "WatchReleasesFunctionRole"),
    one("another team's ECS service", update("payments"), None, opted_in(update("checkout"))),
    one("an ECS service of another cluster, opted in", opted_in(update("payments", "payments"))),
    Attack(
        "any ECS service, where no cluster is given",
        "iam",
        Calls([opted_in(update("checkout"))], given=BARE),
    ),
    Attack(
        "another team's bounds of autoscaling",
        "iam",
        Calls(
            [bounds("ecs"), update("payments")],
            unlike=[bounds("ecs"), opted_in(update("checkout"))],
        ),
    ),
    Attack(
        "the bounds of a table",
        "iam",
        Calls([bounds("dynamodb"), Request("dynamodb:UpdateTable", arn("dynamodb", "table/shop"))]),
    ),
    *(
        one(name, Request(f"application-autoscaling:{action}", bounds("ecs").resource))
        for name, action in {
            "a schedule for another team's service": "PutScheduledAction",
            "another team's schedule goes": "DeleteScheduledAction",
            "another team's autoscaling goes": "DeregisterScalableTarget",
        }.items()
    ),
    *(
        one(name, Request(f"ecs:{action}", arn("ecs", resource)))
        for name, action, resource in (
            ("another team's service goes", "DeleteService", "service/example/payments"),
            ("a task of the attacker's", "RunTask", "task-definition/checkout:1"),
            ("a shell in a task", "ExecuteCommand", "task/example/0f1e2d3c"),
            ("a service is opted in by the stack", "TagResource", "service/example/payments"),
            (
                "a revision in another team's family",
                "RegisterTaskDefinition",
                "task-definition/payments:*",
            ),
        )
    ),
    one("another team's revision goes", Request("ecs:DeregisterTaskDefinition")),
    *(
        one(
            f"an image in a repository: {action}",
            Request(f"ecr:{action}", arn("ecr", "repository/shop")),
        )
        for action in ("PutImage", "BatchDeleteImage")
    ),
]

TO_LOGS = [
    *(
        one(f"another team's log: {action}", logs(action), None, opted_in(logs(action)))
        for action in ("PutSubscriptionFilter", "DeleteSubscriptionFilter")
    ),
    *(
        one(f"a log that counts: {action}", opted_in(logs(action)))
        for action in ("GetLogEvents", "FilterLogEvents", "DeleteLogGroup", "TagResource")
    ),
    one(
        "a subscription, by what counts",
        opted_in(logs("PutSubscriptionFilter")),
        "CountRequestsFunctionRole",
        row("PutItem", "log#x"),
    ),
]

TO_ROUTES = [
    *(one(f"another team's {kind}", r, None, opted_in(r)) for kind, r in ROUTES.items()),
    Attack(
        "an App Mesh route, where nobody has asked for App Mesh",
        "iam",
        Calls(
            [
                opted_in(Request("appmesh:UpdateRoute", arn("appmesh", name)))
                for name in ("mesh/m/virtualRouter/r/route/x", "mesh/m/virtualNode/n")
            ]
        ),
    ),
    *(
        one(name, request)
        for name, request in {
            "a rule of another account": balancer(
                "ModifyRule", f"listener-rule/{RULE_NAME}", ELSEWHERE
            ),
            "a rule of another Region": balancer(
                "ModifyRule", f"listener-rule/{RULE_NAME}", region="eu-west-1"
            ),
            "a listener of a network load balancer": balancer(
                "ModifyListener", "listener/net/payments/1/2"
            ),
            "another team's rule goes": balancer("DeleteRule", f"listener-rule/{RULE_NAME}"),
            "a rule before all others": balancer("CreateRule", f"listener/{LISTENER_NAME}"),
            "the order of rules": balancer("SetRulePriorities", f"listener-rule/{RULE_NAME}"),
            "a target group's health check": balancer("ModifyTargetGroup", TARGETS),
            "a target of the attacker's": balancer("RegisterTargets", TARGETS),
            "another team's targets go": balancer("DeregisterTargets", TARGETS),
            "a rule is opted in by the stack": balancer("AddTags", f"listener-rule/{RULE_NAME}"),
            "a Lattice rule is opted in by the stack": lattice("TagResource", SERVICE_NAME),
            "a Lattice target of the attacker's": lattice(
                "RegisterTargets", "targetgroup/tg-0a1b2c3d4e5f60718"
            ),
        }.items()
    ),
    one("the client secret of a login", LOGIN, None, VIA_AWS),
]

TO_ROLES = [
    one(
        "a role of another account that is not given",
        assume(f"arn:aws:iam::{ELSEWHERE}:role/admin", EXTERNAL_ID),
        None,
        assume(ROLE, EXTERNAL_ID),
    ),
    one("a role whose name begins like another account's", assume(f"{ROLE}-2", EXTERNAL_ID)),
    one("a role of another account, without an external id", assume(ROLE)),
    Attack(
        "any role of another account, where none is given",
        "iam",
        Calls([assume(ROLE, EXTERNAL_ID)], given=BARE),
    ),
    *(
        one(
            f"a role of another account, for the function {function}",
            assume(ROLE, EXTERNAL_ID),
            f"{function}FunctionRole",
        )
        for function in (
            "AnswerSlack",
            "AwaitSignal",
            "CountRequests",
            "RelayAlarm",
            "SignalRelease",
            "StartOnImage",
        )
    ),
    one(
        "an administrator's role for a task",
        pass_role(f"arn:aws:iam::{ACCOUNT}:role/admin"),
        None,
        pass_role(ROLES[0]),
    ),
    one("a role whose name begins like a task's", pass_role(f"{ROLES[0]}-admin")),
    one("a task's role for a function", pass_role(ROLES[0], "lambda.amazonaws.com")),
    Attack("any role, where none is given", "iam", Calls([pass_role(ROLES[0])], given=BARE)),
    *(
        one(name, Request(action, f"arn:aws:iam::{ACCOUNT}:role/{role}"))
        for name, action, role in (
            ("the role of a deployment", "sts:AssumeRole", "deploy"),
            (
                "more rights for its own role",
                "iam:PutRolePolicy",
                f"{STACK}-RevertFunctionRole-{SUFFIX}",
            ),
            ("a role of the attacker's", "iam:CreateRole", "attacker"),
        )
    ),
    *(
        Attack(f"{who} assumes a role", "iam", Invocations("sts:AssumeRole", "roles", by, context))
        for who, by, context in (
            ("a developer", DEVELOPER, {}),
            ("another service of AWS", EC2, {}),
            ("another account, without an external id,", NEIGHBOUR, {}),
            ("another account, with a guessed external id,", NEIGHBOUR, {"sts:ExternalId": STACK}),
        )
    ),
]

TO_THE_LEDGER = [
    one(
        "a lease, read by what posts to Slack",
        row("GetItem", "split#alb/x"),
        "PostToSlackFunctionRole",
        row("GetItem", "release#x"),
    ),
    one(
        "a lease, forged by what posts to Slack",
        row("PutItem", "split#alb/x"),
        "PostToSlackFunctionRole",
        row("PutItem", "release#x"),
    ),
    one(
        "a lease, forged by what deploys",
        row("PutItem", "split#alb/x"),
        "DeployCanaryFunctionRole",
        row("PutItem", "release#x"),
    ),
    one(
        "a lease, forged by what signals",
        row("PutItem", "split#alb/x"),
        "SignalReleaseFunctionRole",
        row("PutItem", "release#x"),
    ),
    one(
        "a lease, forged by what hears of images",
        row("PutItem", "split#alb/x"),
        "StartOnImageFunctionRole",
        row("PutItem", "sender#x"),
    ),
    one(
        "an outcome, forged by what hears of alarms",
        row("UpdateItem", "release#x"),
        "RelayAlarmFunctionRole",
        row("UpdateItem", "split#alb/x"),
    ),
    one(
        "an outcome, forged by what counts lines",
        row("UpdateItem", "release#x"),
        "CountRequestsFunctionRole",
        row("UpdateItem", "log#x"),
    ),
    one(
        "what became of a release, read by what counts lines",
        row("Query", "release#x"),
        "CountRequestsFunctionRole",
        row("Query", "log#x"),
    ),
    one(
        "an outcome, forged by what reverts",
        row("UpdateItem", "release#x"),
        "RevertFunctionRole",
        row("UpdateItem", "split#alb/x"),
    ),
    one(
        "another service's releases, read by what opens one",
        row("Query", "service#payments"),
        "OpenReleaseFunctionRole",
        row("Query", "release#x"),
    ),
    one(
        "a lease, forged by what guards the stack",
        row("PutItem", "split#alb/x"),
        "GuardDeletionFunctionRole",
        row("PutItem", "door"),
    ),
    one(
        "a lease, forged by what answers questions",
        row("UpdateItem", "split#alb/x"),
        "AnswerQuestionFunctionRole",
        row("GetItem", "split#alb/x"),
    ),
    one(
        "a lease, put by what watches releases",
        row("PutItem", "split#alb/x"),
        "WatchReleasesFunctionRole",
        row("PutItem", "release#x"),
    ),
    one(
        "who waits, read by what watches releases",
        row("Query", "service#checkout"),
        "WatchReleasesFunctionRole",
        row("Query", "held"),
    ),
    one("the door is closed by what signals", row("PutItem", "door"), "SignalReleaseFunctionRole"),
    one("any row, by what answers Slack", row("GetItem", "release#x"), "AnswerSlackFunctionRole"),
    *(
        one(f"the ledger: {action}", Request(f"dynamodb:{action}", LEDGER))
        for action in (
            "Scan",
            "DeleteTable",
            "UpdateTable",
            "PartiQLUpdate",
            "ExportTableToPointInTime",
        )
    ),
    one(
        "another team's table",
        Request(
            "dynamodb:PutItem", arn("dynamodb", "table/payments"), {"dynamodb:LeadingKeys": ["a"]}
        ),
    ),
]

TO_PARAMETERS = [
    one("a profile below another prefix", read("/payments/profiles/payments"), None),
    one(
        "a parameter whose name begins like the prefix",
        read("/stepcanary/profiles-of-payments/checkout"),
    ),
    one(
        "another team's parameters",
        Request("ssm:GetParametersByPath", arn("ssm", "parameter/payments")),
    ),
    one(
        "a profile of the attacker's",
        Request("ssm:PutParameter", arn("ssm", "parameter/stepcanary/profiles/checkout")),
    ),
    one(
        "another secret",
        Request("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:payments-AbCdEf")),
        None,
        Request("secretsmanager:GetSecretValue", SLACK_SECRET),
    ),
    one("another signing secret for Slack", Request("secretsmanager:PutSecretValue", SLACK_SECRET)),
    one("another team's key", Request("kms:Decrypt", arn("kms", "key/payments"))),
    one("a key goes", Request("kms:ScheduleKeyDeletion", arn("kms", "key/payments"))),
]

TO_EXECUTIONS = [
    one(
        "somebody else's state machine",
        Request("states:StartExecution", arn("states", "stateMachine:payments-refund")),
        None,
        Request("states:StartExecution", MACHINE),
    ),
    one(
        "a state machine whose name begins like ours",
        Request("states:StartExecution", f"{MACHINE}-2"),
    ),
    one(
        "the end of somebody else's wait",
        Request("states:SendTaskSuccess", arn("states", "stateMachine:payments-refund")),
        None,
        Request("states:SendTaskSuccess", MACHINE),
    ),
    one(
        "a running release is stopped",
        Request("states:StopExecution", arn("states", f"execution:{STACK}-release:release-1")),
    ),
    one("another definition of the release", Request("states:UpdateStateMachine", MACHINE)),
    one("its own code", Request("lambda:UpdateFunctionCode", COLLEAGUE)),
    one(
        "the function of a version that may go",
        Request("lambda:DeleteFunction", COLLEAGUE),
        "RemoveVersionsFunctionRole",
        Request("lambda:DeleteFunction", f"{COLLEAGUE}:1"),
    ),
    one("a function goes", Request("lambda:DeleteFunction", COLLEAGUE)),
    one("the alias of a function goes", Request("lambda:DeleteAlias", f"{COLLEAGUE}:live")),
    *(
        one(
            f"a version of {whose} function",
            Request("lambda:DeleteFunction", f"{of}:1"),
            "RemoveVersionsFunctionRole",
        )
        for whose, of in (
            ("another team's", arn("lambda", "function:payments-refund")),
            ("a like-named", f"{COLLEAGUE}-2"),
        )
    ),
    *(
        one(
            f"a version of a function, by what {what}",
            Request("lambda:DeleteFunction", f"{COLLEAGUE}:1"),
            role,
        )
        for what, role in (
            ("guards the stack", "GuardDeletionFunctionRole"),
            ("sweeps", "ReconcileFunctionRole"),
        )
    ),
    one("the stack goes", Request("cloudformation:DeleteStack", STACK_ID)),
    one(
        "another stack is looked at",
        Request("cloudformation:DescribeStacks", arn("cloudformation", "stack/payments/1")),
        None,
        Request("cloudformation:DescribeStacks", STACK_ID),
    ),
    one("its own settings", Request("lambda:UpdateFunctionConfiguration", COLLEAGUE)),
    one(
        "somebody else's function",
        Request("lambda:InvokeFunction", arn("lambda", "function:payments-refund")),
        "ReleaseStateMachineRole",
        Request("lambda:InvokeFunction", f"{COLLEAGUE}:1"),
    ),
    one(
        "a function whose name begins like ours",
        Request("lambda:InvokeFunction", f"{COLLEAGUE}-2"),
        "ReleaseStateMachineRole",
    ),
    one(
        "another function, by what answers Slack",
        Request("lambda:InvokeFunction", f"{COLLEAGUE}:live"),
        "AnswerSlackFunctionRole",
        Request("lambda:InvokeFunction", arn("lambda", f"function:{STACK}-answer-slack:live")),
    ),
    one(
        "an execution, started by what answers questions",
        Request("states:StartExecution", MACHINE),
        "AnswerQuestionFunctionRole",
        Request("states:ListExecutions", MACHINE),
    ),
    one(
        "an approval of a pipeline",
        Request("codepipeline:PutApprovalResult", arn("codepipeline", "payments/prod/approve")),
    ),
    *(
        Attack(
            f"a function is called by {who}",
            "iam",
            Invocations("lambda:InvokeFunction", "functions", by, context),
        )
        for who, by, context in (
            ("another account", NEIGHBOUR, {"lambda:InvokedViaFunctionUrl": "false"}),
            ("another rule", EVENTBRIDGE, {"aws:SourceArn": arn("events", "rule/payments")}),
            (
                "another account's log",
                LOGS,
                {
                    "aws:SourceAccount": ELSEWHERE,
                    "aws:SourceArn": arn("logs", "log-group:/ecs/payments", ELSEWHERE),
                },
            ),
            (
                "another account's rule",
                EVENTBRIDGE,
                {"aws:SourceArn": arn("events", "rule/payments", ELSEWHERE)},
            ),
        )
    ),
    Attack(
        "an execution, by another account",
        "iam",
        Calls([Request("states:StartExecution", MACHINE)], NEIGHBOUR),
    ),
    Attack(
        "a profile, by another account",
        "iam",
        Calls(
            [Request("ssm:PutParameter", arn("ssm", "parameter/stepcanary/profiles/checkout"))],
            NEIGHBOUR,
        ),
    ),
]

TO_WATCHERS = [
    *(
        one(
            f"an alarm: {action}",
            Request(f"cloudwatch:{action}", arn("cloudwatch", "alarm:payments-5xx")),
        )
        for action in ("SetAlarmState", "DisableAlarmActions", "DeleteAlarms", "PutMetricAlarm")
    ),
    *(
        one(name, Request(f"logs:{action}", arn("logs", f"log-group:{group_name}:*")))
        for name, action, group_name in (
            ("its own log goes", "DeleteLogGroup", f"/aws/lambda/{STACK}"),
            ("its own log is kept for a day", "PutRetentionPolicy", f"/aws/lambda/{STACK}"),
            ("another team's log is read", "FilterLogEvents", "/aws/lambda/payments"),
            ("lines in another team's log", "PutLogEvents", "/aws/lambda/payments"),
        )
    ),
    one("who may write which log", Request("logs:PutResourcePolicy")),
    one(
        "another topic",
        Request("sns:Publish", arn("sns", "payments")),
        None,
        Request("sns:Publish", arn("sns", "announcements")),
    ),
    one(
        "a signal, by a function that publishes",
        publish("Release Signal"),
        "ShiftWeightFunctionRole",
        publish("Release Shifted"),
    ),
    one("another bus", publish("Release Started", "payments"), None),
]

REPORT = f"{STACK}/checkout/2026-11-24T101530Z-release-1.html"
REPORTS = "arn:aws:s3:::shop-reports"
WRITER = "WriteReportFunctionRole"
TO_REPORTS = [
    *(
        one(name, request, None, put_report(REPORT))
        for name, request in {
            "an object beside the reports": put_report("index.html"),
            "an object below a prefix that begins like theirs": put_report(f"{STACK}-2/x.html"),
            "a report in another team's bucket": put_report(REPORT, "payments"),
            "a report in a bucket whose name begins like ours": put_report(
                REPORT, "shop-reports-2"
            ),
            "a report in a bucket that somebody else has made of our name": put_report(
                REPORT, owner=ELSEWHERE
            ),
        }.items()
    ),
    *(
        one(f"a report: {action}", Request(f"s3:{action}", f"{REPORTS}/{REPORT}"), None)
        for action in ("GetObject", "DeleteObject", "PutObjectAcl", "PutObjectTagging")
    ),
    *(
        one(f"the bucket of the reports: {action}", Request(f"s3:{action}", REPORTS), None)
        for action in ("PutBucketPolicy", "PutBucketAcl", "DeleteBucket", "ListBucket")
    ),
    one("a report, by what closes releases", put_report(REPORT), "CloseReleaseFunctionRole"),
    one(
        "an end, told by what writes reports",
        publish("Release Ended"),
        WRITER,
        publish("Release Report"),
    ),
    one(
        "a count, told by what writes reports, which would be called for it",
        publish("Release Counted"),
        WRITER,
        publish("Release Report"),
    ),
    *(
        one(
            f"{kind}, told by what watches releases",
            publish(kind),
            "WatchReleasesFunctionRole",
            publish("Release Counted"),
        )
        for kind in ("Release Ended", "Release Report", "Release Signal")
    ),
    one("any row, by what writes reports", row("GetItem", "release#x"), WRITER),
    one(
        "a signal, by what writes reports",
        Request("lambda:InvokeFunction", f"{COLLEAGUE}:live"),
        WRITER,
        Request("lambda:InvokeFunction", arn("lambda", f"function:{STACK}-questions:live")),
    ),
]

BY_CALL = [
    *TO_SERVICES,
    *TO_LOGS,
    *TO_ROUTES,
    *TO_ROLES,
    *TO_THE_LEDGER,
    *TO_PARAMETERS,
    *TO_EXECUTIONS,
    *TO_WATCHERS,
    *TO_REPORTS,
]
