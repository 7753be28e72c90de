"""Places: where in a bucket the report of a release is, and the link to it."""

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

from stepcanary.domain.picture import Picture

CONSOLES = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "{region}.console.amazonaws-eusc.eu",
}
"""The console's host in each partition that people log in to."""
LONGEST_NAME = 240
"""Of an execution in a key, which has 1,024 bytes at most."""


def key_of(picture: Picture, prefix: str) -> str:
    """The same for the same release, whenever it is asked for; releases of a service are sorted by
    when they began."""
    began = datetime.fromtimestamp(picture.started_at / 1_000, UTC)
    name = picture.execution.rpartition(":")[2]
    return "/".join(
        [prefix, _safe(picture.service), f"{began:%Y-%m-%dT%H%M%SZ}-{_safe(name)}.html"]
    )


def _safe(name: str) -> str:
    """Only characters that need no care in a key, a URL or a shell; no two names are made one. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    safe = quote(name, safe="").replace("~", "%7E").replace("%", "!")
    return safe if len(safe) <= LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def link_to(bucket: str, key: str, region: str, partition: str) -> str:
    """The object in the console, which asks for a login and lets see what that may read; where the
    partition's console is not known, its URI."""
    console = CONSOLES.get(partition)
    if console is None:
        return f"s3://{bucket}/{key}"
    where = f"https://{console.format(region=region)}/s3/object/{quote(bucket)}"
    return f"{where}?region={region}&prefix={quote(key)}"
