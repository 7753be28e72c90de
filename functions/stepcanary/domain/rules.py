"""Rules: what every profile has to keep, set by whoever runs the stack and not by the teams."""

from pydantic import Field, ValidationError

from stepcanary.domain.model import Model
from stepcanary.domain.names import Pattern
from stepcanary.domain.patterns import is_among
from stepcanary.domain.profile import DAY_SECONDS, Profile
from stepcanary.errors import RequestRejected


class Rules(Model):
    """Shape of the SSM parameter `<prefix>/_policy`. What it leaves out is free.

    `judged` profiles have at least one alarm. `repositories` are patterns: a profile has to name
    its own, and each has to fit one of them.
    """

    least_bake_seconds: int = Field(default=0, ge=0, le=DAY_SECONDS)
    highest_first_weight: int = Field(default=100, ge=1, le=100)
    judged: bool = False
    repositories: list[Pattern] = Field(default=[], max_length=50)

    def broken_by(self, profile: Profile) -> list[str]:
        """Each rule that the profile does not keep, in a sentence."""
        found = []
        first = profile.steps[0].weight
        if first > self.highest_first_weight:
            found.append(f"highest_first_weight is {self.highest_first_weight}, and it has {first}")
        shortest = min(step.bake_seconds for step in profile.steps)
        if shortest < self.least_bake_seconds:
            found.append(f"least_bake_seconds is {self.least_bake_seconds}, and it has {shortest}")
        if self.judged and not profile.alarms:
            found.append("judged is true, and it has no alarm")
        if self.repositories and not profile.repositories:
            found.append("repositories is set, and it names none")
        found += [
            f"repositories does not allow {repository}"
            for repository in profile.repositories
            if self.repositories and not is_among(repository, self.repositories)
        ]
        return found

    def require(self, profile: Profile, where: str) -> None:
        """Raises `RequestRejected`; `where` is the name of their parameter."""
        if broken := self.broken_by(profile):
            raise RequestRejected(
                f"profile: it breaks the rules of {where}: {'; '.join(broken)}. Mend the profile,"
                " or have the rules changed by whoever runs the stack"
            )


def parse_rules(text: str, where: str) -> Rules:
    """Raises `RequestRejected`: with rules that nobody can read nothing is released."""
    try:
        return Rules.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "it"
        raise RequestRejected(
            f"the rules {where} are not valid. {field}: {first['msg']}; have them mended by whoever"
            " runs the stack"
        ) from invalid
