"""Summary: whether what was expected of each release held, and what to try next."""

from sandbox.demo.checks import Report

OF_ROUTER = {
    "alb": ("make demo ROUTER=alb", "the same behind an Application Load Balancer"),
    "lattice": ("make demo ROUTER=lattice", "the same behind VPC Lattice"),
    "appmesh": ("make demo", "the same in the article's environment, App Mesh"),
}
NEXT = [
    ("make scenarios", "what people, pipelines, Slack and autoscaling do meanwhile"),
    ("make sandbox FROM=examples/alb", "release yourself, with the AWS CLI, curl or any SDK"),
    ("docs/command-line.md", "`stepcanary release`, `watch` and `status`, there and on AWS"),
    ("docs/sandbox.md", "what runs here, and where it differs from AWS"),
    ("docs/getting-started.md", "the first release in an account"),
]


def measured(report: Report) -> list[str]:
    """What was counted and what chance allows, if the scenario is about that."""
    interval = report.get("interval")
    if not interval:
        return []
    low, high, confidence = interval["low"], interval["high"], interval["confidence"]
    return [
        f"at 95:5 the canary got {interval['canary_requests']} of {interval['requests']} requests;"
        f" chance gives it {low} to {high} in {confidence:.1%} of all such runs"
    ]


def verdict(report: Report, problems: list[str]) -> list[str]:
    """The lines after a release: whether it went as expected, and if not, what is wrong."""
    wrong = [f"WRONG: {problem}" for problem in problems]
    return measured(report) + (wrong or ["it went as expected"])


def summary(router: str, reports: list[Report]) -> str:
    """What was seen of all releases, and what somebody may try next."""
    width = max(len(report["name"]) for report in reports)
    seen = [
        f"  {report['name']:<{width}}  {'as expected' if report['held'] else 'WRONG':<11}"
        f"  {report['outcome']}, {report['errors']} of {report['requests']} requests failed,"
        f" {report['errors_from_canary']} of them on the canary"
        for report in reports
    ]
    following = [*(each for name, each in OF_ROUTER.items() if name != router), *NEXT]
    longest = max(len(command) for command, _ in following)
    tried = [f"  {command:<{longest}}  {text}" for command, text in following]
    return "\n".join(["What was seen:", *seen, "", "What to try next:", *tried])
