"""IAM decides as its documentation says: each case is an example of the page that it names.

A page is https://docs.aws.amazon.com/IAM/latest/UserGuide/PAGE.html.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.policy.iam import Context, Decision, Policy, Principal, Request, decide

ACTION = "reference_policies_elements_action"
RESOURCE = "reference_policies_elements_resource"
NOT_ACTION = "reference_policies_elements_notaction"
NOT_RESOURCE = "reference_policies_elements_notresource"
CONDITION = "reference_policies_elements_condition"
OPERATORS = "reference_policies_elements_condition_operators"
SEVERAL = "reference_policies_condition-logic-multiple-context-keys-or-values"
MULTIVALUED = "reference_policies_condition_examples-multi-valued-context-keys"
VARIABLES = "reference_policies_variables"
LOGIC = "reference_policies_evaluation-logic_policy-eval-denyallow"
WITHIN = "reference_policies_evaluation-logic_policy-eval-basics"
ACROSS = "reference_policies_evaluation-logic-cross-account"
BOUNDARY = "access_policies_boundaries"

ALLOWED = Decision.ALLOWED
DENIED = Decision.EXPLICITLY_DENIED
NOT_ALLOWED = Decision.IMPLICITLY_DENIED

ACCOUNT, OTHER = "111122223333", "222222222222"
CARLOS = Principal(f"arn:aws:iam::{ACCOUNT}:user/carlossalazar")
MATEO = Principal(f"arn:aws:iam::{ACCOUNT}:role/mateo")
STRANGER = Principal(f"arn:aws:iam::{OTHER}:user/stranger")
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar-logs"


def policy(
    effect: str = "Allow",
    action: str | list[str] = "*",
    resource: str | list[str] = "*",
    version: str = "2012-10-17",
    **more: Any,
) -> Policy:
    """Of one statement; `more` are its other elements, and take the place of their contraries."""
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    for element in ("Action", "Resource"):
        if f"Not{element}" in more:
            del statement[element]
    return {"Version": version, "Statement": statement}


def deny(*args: Any, **more: Any) -> Policy:
    return policy("Deny", *args, **more)


ALL = policy()


@dataclass(frozen=True)
class Case:
    page: str
    says: str
    expected: Decision
    request: Request
    identity: list[Policy]
    more: dict[str, Any] = field(default_factory=dict)
    """The resource's policy, the boundary, and whoever asks."""


def asks(
    page: str,
    says: str,
    expected: Decision,
    action: str,
    on: str,
    *identity: Policy,
    context: Context | None = None,
    **more: Any,
) -> Case:
    return Case(page, says, expected, Request(action, on, context or {}), [*identity], more)


def meets(
    page: str, says: str, matches: bool, condition: dict[str, Any], context: Context | None = None
) -> Case:
    """Whether a statement with this condition is about a request in this context."""
    decision = ALLOWED if matches else NOT_ALLOWED
    allowing = policy(Condition=condition)
    return asks(page, says, decision, "ec2:RunInstances", "*", allowing, context=context)


def trusting(**principal: str) -> Policy:
    """A role's trust policy."""
    return {
        "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"},
    }


BOB, ACCOUNTANT = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("Bob", "accounting/Bob"))
ACCOUNTANTS = policy("Allow", "iam:*", f"arn:aws:iam::{ACCOUNT}:user/accounting/*")
QUEUES = f"arn:aws:sqs:us-east-2:{ACCOUNT}:queue"
ANY_REGION = policy("Allow", "sqs:*", f"arn:aws:sqs:*:{ACCOUNT}:queue1")
PAYROLL = "arn:aws:s3:::HRBucket/Payroll"
NOTHING_BUT_PAYROLL = deny("s3:*", NotResource=[PAYROLL, f"{PAYROLL}/*"])
NO_DELETION = policy(NotAction="s3:DeleteBucket", resource="arn:aws:s3:::*")

JOB = {"aws:PrincipalTag/job-category": "iamuser-admin"}
TYPES = {"ec2:InstanceType": ["t1.*", "t2.*", "m3.*"]}
LARGE, SMALL = ({"ec2:InstanceType": kind} for kind in ("p5.48xlarge", "t2.micro"))
FINANCE = {"aws:SourceArn": "arn:aws:someservice:*:111122223333:finance/*"}
DOCUMENT = {
    "aws:SourceArn": "arn:aws:someservice:us-east-2:999999999999:"
    "store/abc:111122223333:finance/document.txt"
}
ISSUED = {"aws:TokenIssueTime": "2026-11-25T00:00:00Z"}
NO_MFA = {"aws:MultiFactorAuthPresent": "false"}
PLAIN = {"aws:SecureTransport": "false"}
JOHN = {"aws:username": "john"}

ANA, MARY, NIKKI = (f"arn:aws:iam::{OTHER}:user/{name}" for name in ("Ana", "Mary", "Nikki"))
TAGGED = {
    "aws:PrincipalTag/department": ["finance", "hr", "legal"],
    "aws:PrincipalTag/role": ["audit", "security"],
}
LIKE = {"StringEquals": TAGGED, "ArnLike": {"aws:PrincipalArn": [ANA, MARY]}}
NOT_LIKE = {"StringEquals": TAGGED, "ArnNotLike": {"aws:PrincipalArn": [ANA, MARY]}}

ONE_KEY = {"ForAllValues:StringNotLike": {"aws:TagKeys": "key1*"}}
TWO_KEYS = {"ForAllValues:StringNotLike": {"aws:TagKeys": ["key1*", "key2*"]}}
THERE = {"Null": {"aws:TagKeys": "false"}}
WEBSERVER = {"ForAnyValue:StringEquals": {"aws:TagKeys": "webserver"}}

ANAS = "arn:aws:s3:::bucket/home/ana/a"
HOME = policy("Allow", "s3:*", "arn:aws:s3:::bucket/home/${aws:username}/*")
OLD_HOME = policy("Allow", "s3:*", "arn:aws:s3:::bucket/home/${aws:username}/*", "2008-10-17")
TEAMS = policy("Allow", "s3:*", "arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'company-wide'}/*")
A_STAR = policy("Allow", "s3:*", "arn:aws:s3:::bucket/a${*}")
NO_HOME = {"StringNotLike": {"s3:prefix": "home/${aws:username}/*"}}

S3 = policy("Allow", "s3:*")
LOG = f"{BUCKET}/log"
WRITES = ["s3:PutObject", "s3:Get*"]
FOR_CARLOS = policy("Allow", WRITES, f"{BUCKET}/*", Principal={"AWS": [CARLOS.name]})
FOR_MATEO = policy("Allow", WRITES, f"{BUCKET}/*", Principal={"AWS": MATEO.name})
FOR_OTHERS = policy("Allow", WRITES, f"{BUCKET}/*", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})
SHIRLEYS = policy("Allow", ["s3:*", "cloudwatch:*", "ec2:*"])
USERS = policy("Allow", "iam:CreateUser")

CASES = [
    asks(LOGIC, "by default, everything is denied", NOT_ALLOWED, "s3:GetObject", LOG),
    asks(LOGIC, "an allow", ALLOWED, "s3:GetObject", LOG, S3),
    asks(LOGIC, "a deny overrides it", DENIED, "s3:GetObject", LOG, ALL, deny("s3:*")),
    asks(ACTION, "names have no case", ALLOWED, "IAM:createuser", "*", USERS),
    asks(ACTION, "* in a name", ALLOWED, "iam:GetUser", "*", policy("Allow", "iam:*User*")),
    asks(ACTION, "* of one service", NOT_ALLOWED, "iam:GetUser", "*", S3),
    asks(RESOURCE, "below a path", ALLOWED, "iam:GetUser", ACCOUNTANT, ACCOUNTANTS),
    asks(RESOURCE, "beside it", NOT_ALLOWED, "iam:GetUser", BOB, ACCOUNTANTS),
    asks(
        RESOURCE,
        "? is one character",
        NOT_ALLOWED,
        "sqs:SendMessage",
        f"{QUEUES}10",
        policy("Allow", "sqs:*", f"{QUEUES}?"),
    ),
    asks(RESOURCE, "* in a part", ALLOWED, "sqs:SendMessage", f"{QUEUES}1", ANY_REGION),
    asks(
        RESOURCE,
        "no wildcard reaches into the next part",
        NOT_ALLOWED,
        "sqs:SendMessage",
        "arn:aws:sqs:us-east-2:999999999999:queue1",
        ANY_REGION,
    ),
    asks(
        RESOURCE, "without a resource, * is meant", NOT_ALLOWED, "sqs:ListQueues", "*", ANY_REGION
    ),
    asks(NOT_ACTION, "all others", ALLOWED, "s3:GetObject", LOG, policy(NotAction="iam:*")),
    asks(NOT_ACTION, "it", NOT_ALLOWED, "iam:GetUser", BOB, policy(NotAction="iam:*")),
    asks(NOT_ACTION, "on its resource alone", NOT_ALLOWED, "s3:ListAllMyBuckets", "*", NO_DELETION),
    asks(
        NOT_RESOURCE,
        "all others",
        DENIED,
        "s3:GetObject",
        "arn:aws:s3:::HRBucket/Salaries",
        ALL,
        NOTHING_BUT_PAYROLL,
    ),
    asks(NOT_RESOURCE, "it", ALLOWED, "s3:GetObject", f"{PAYROLL}/a", ALL, NOTHING_BUT_PAYROLL),
    meets(CONDITION, "keys have no case", True, {"StringEquals": {"AWS:UserName": "john"}}, JOHN),
    meets(CONDITION, "values have", False, {"StringEquals": {"aws:username": "John"}}, JOHN),
    meets(
        CONDITION,
        "IgnoreCase",
        True,
        {"StringEqualsIgnoreCase": {"aws:username": "John"}},
        JOHN,
    ),
    meets(OPERATORS, "without the key nothing matches", False, {"StringEquals": JOB}),
    meets(OPERATORS, "without the key nothing is the contrary", True, {"StringNotLike": JOB}),
    meets(OPERATORS, "no wildcard in StringEquals", False, {"StringEquals": TYPES}, SMALL),
    meets(OPERATORS, "wildcards in StringLike", True, {"StringLike": TYPES}, SMALL),
    meets(OPERATORS, "what has no such key", False, {"StringLike": TYPES}),
    meets(OPERATORS, "IfExists, and it does not", True, {"StringLikeIfExists": TYPES}),
    meets(OPERATORS, "IfExists, and it does", False, {"StringLikeIfExists": TYPES}, LARGE),
    meets(OPERATORS, "StringLike crosses colons", True, {"StringLike": FINANCE}, DOCUMENT),
    meets(OPERATORS, "ArnLike does not", False, {"ArnLike": FINANCE}, DOCUMENT),
    meets(OPERATORS, "ArnEquals behaves like ArnLike", False, {"ArnEquals": FINANCE}, DOCUMENT),
    meets(OPERATORS, "called directly, without SourceArn", False, {"ArnEquals": FINANCE}),
    meets(OPERATORS, "Null", True, {"Null": {"aws:TokenIssueTime": "true"}}),
    meets(
        OPERATORS, "Null, and it is not", False, {"Null": {"aws:TokenIssueTime": "true"}}, ISSUED
    ),
    meets(OPERATORS, "not Null, and it is", False, {"Null": {"aws:TokenIssueTime": "false"}}),
    meets(OPERATORS, "Bool without the key", False, {"Bool": NO_MFA}),
    meets(NOT_ACTION, "BoolIfExists without the key", True, {"BoolIfExists": NO_MFA}),
    asks(
        OPERATORS,
        "Bool",
        DENIED,
        "s3:GetObject",
        LOG,
        ALL,
        deny("s3:*", Condition={"Bool": PLAIN}),
        context=PLAIN,
    ),
    *(
        meets(
            SEVERAL,
            says,
            matches,
            condition,
            {
                **({"aws:PrincipalTag/department": department} if department else {}),
                **({"aws:PrincipalTag/role": role} if role else {}),
                "aws:PrincipalArn": user,
            },
        )
        for says, matches, condition, department, role, user in (
            ("all keys, one value of each", True, LIKE, "legal", "audit", MARY),
            ("one operator does not hold", False, LIKE, "hr", "audit", NIKKI),
            ("one key does not match", False, LIKE, "hr", "payroll", MARY),
            ("one key is missing", False, LIKE, "hr", None, MARY),
            ("both keys are missing", False, LIKE, None, None, MARY),
            ("neither of two", True, NOT_LIKE, "legal", "audit", NIKKI),
            ("not neither of two", False, NOT_LIKE, "hr", "audit", MARY),
            ("neither of two, and a key is missing", False, NOT_LIKE, "hr", None, NIKKI),
        )
    ),
    *(
        meets(MULTIVALUED, says, matches, condition, {"aws:TagKeys": keys} if keys else {})
        for says, matches, condition, keys in (
            ("all unlike it: the one is not", False, ONE_KEY, ["key1:legal"]),
            ("all unlike it: none is", False, ONE_KEY, ["key1:hr", "key1:personnel"]),
            ("all unlike it", True, ONE_KEY, ["key2:audit"]),
            ("all of none", True, ONE_KEY, []),
            ("all unlike both: none is", False, TWO_KEYS, ["key1:hr", "key2:audit"]),
            ("all unlike both", True, TWO_KEYS, ["key3:legal"]),
            ("all of none, but it has to be there", False, {**THERE, **ONE_KEY}, []),
            ("any: the one", True, WEBSERVER, ["webserver"]),
            ("any: one of them", True, WEBSERVER, ["environment", "webserver", "test"]),
            ("any: not one", False, WEBSERVER, ["environment", "test"]),
            ("any of none", False, WEBSERVER, []),
        )
    ),
    asks(
        VARIABLES, "one's own", ALLOWED, "s3:GetObject", ANAS, HOME, context={"aws:username": "ana"}
    ),
    asks(VARIABLES, "another's", NOT_ALLOWED, "s3:GetObject", ANAS, HOME, context=JOHN),
    asks(VARIABLES, "nobody's", NOT_ALLOWED, "s3:GetObject", ANAS, HOME),
    meets(VARIABLES, "nothing is unlike nobody's", False, NO_HOME, {"s3:prefix": "home/ana/"}),
    asks(
        VARIABLES, "default", ALLOWED, "s3:GetObject", "arn:aws:s3:::bucket/company-wide/a", TEAMS
    ),
    asks(VARIABLES, "a star itself", NOT_ALLOWED, "s3:GetObject", "arn:aws:s3:::bucket/ab", A_STAR),
    asks(
        VARIABLES,
        "read literally in older policies",
        NOT_ALLOWED,
        "s3:GetObject",
        ANAS,
        OLD_HOME,
        context={"aws:username": "ana"},
    ),
    asks(
        WITHIN, "the bucket's", ALLOWED, "s3:PutObject", LOG, principal=CARLOS, resource=FOR_CARLOS
    ),
    asks(
        WITHIN,
        "the user's",
        ALLOWED,
        "s3:DeleteObject",
        LOG,
        S3,
        principal=CARLOS,
        resource=FOR_CARLOS,
    ),
    asks(
        WITHIN,
        "neither",
        NOT_ALLOWED,
        "s3:DeleteObject",
        LOG,
        principal=CARLOS,
        resource=FOR_CARLOS,
    ),
    asks(
        WITHIN, "no trust policy", NOT_ALLOWED, "sts:AssumeRole", MATEO.name, ALL, principal=CARLOS
    ),
    asks(
        WITHIN,
        "trust in the user",
        ALLOWED,
        "sts:AssumeRole",
        MATEO.name,
        principal=CARLOS,
        resource=trusting(AWS=CARLOS.name),
    ),
    asks(
        WITHIN,
        "trust in the account, and nothing else",
        NOT_ALLOWED,
        "sts:AssumeRole",
        MATEO.name,
        principal=CARLOS,
        resource=trusting(AWS=ACCOUNT),
    ),
    asks(
        WITHIN,
        "trust in a service",
        NOT_ALLOWED,
        "sts:AssumeRole",
        MATEO.name,
        ALL,
        principal=CARLOS,
        resource=trusting(Service="lambda.amazonaws.com"),
    ),
    *(
        asks(
            ACROSS,
            says,
            expected,
            "s3:GetObject",
            LOG,
            *identity,
            principal=STRANGER,
            resource=resource,
            owner=ACCOUNT,
        )
        for says, expected, identity, resource in (
            ("the bucket's alone", NOT_ALLOWED, [], FOR_OTHERS),
            ("the user's alone", NOT_ALLOWED, [ALL], None),
            ("both", ALLOWED, [ALL], FOR_OTHERS),
        )
    ),
    asks(BOUNDARY, "it grants nothing", NOT_ALLOWED, "s3:GetObject", LOG, boundary=SHIRLEYS),
    asks(BOUNDARY, "it limits", NOT_ALLOWED, "iam:CreateUser", "*", USERS, boundary=SHIRLEYS),
    asks(BOUNDARY, "within both", ALLOWED, "s3:GetObject", LOG, ALL, boundary=SHIRLEYS),
    *(
        asks(
            BOUNDARY,
            says,
            expected,
            "s3:GetObject",
            LOG,
            principal=who,
            resource=by,
            boundary=within,
        )
        for says, expected, who, by, within in (
            ("a role that is named is limited", NOT_ALLOWED, MATEO, FOR_MATEO, USERS),
            ("a user that is named is not", ALLOWED, CARLOS, FOR_CARLOS, USERS),
            ("its deny is one", DENIED, CARLOS, FOR_CARLOS, deny("s3:*")),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{each.page}: {each.says}" for each in CASES])
def test_it_decides_as_the_page_says(case: Case) -> None:
    assert decide(case.request, case.identity, **case.more) == case.expected


@pytest.mark.parametrize(
    "condition",
    [{"NumericLessThan": {"s3:max-keys": "10"}}, {"StringEquals": {"aws:TagKeys": "a"}}],
)
def test_what_it_does_not_evaluate_it_does_not_guess(condition: Any) -> None:
    request = Request("s3:ListBucket", context={"aws:TagKeys": ["a", "b"], "s3:max-keys": "9"})
    with pytest.raises(ValueError, match=r"not evaluated|no set operator"):
        decide(request, [policy(Condition=condition)])
