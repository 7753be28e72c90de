"""Tier: which parameters of Parameter Store can hold a profile.

See https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

from stepcanary.domain.profile import Profile

STANDARD_BYTES = 4_096
ADVANCED_BYTES = 8_192


def least_bytes(profile: Profile) -> int:
    """Of the profile as JSON without spaces, and without what it does not say."""
    return len(profile.model_dump_json(exclude_unset=True, by_alias=True).encode())


def tier_warnings(profile: Profile) -> list[str]:
    size = least_bytes(profile)
    if size > ADVANCED_BYTES:
        return [
            f"profile: it has {size} bytes without spaces, and no parameter holds more than"
            f" {ADVANCED_BYTES}, so it cannot be stored; name fewer or shorter things"
        ]
    if size > STANDARD_BYTES:
        return [
            f"profile: it has {size} bytes without spaces, so it needs a parameter of the advanced"
            f" tier, since those of the standard tier hold {STANDARD_BYTES}"
        ]
    return []
