"""S3: a page into a bucket of the user's."""

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures

HTML = "text/html; charset=utf-8"


@aws_failures
def put_page(bucket: str, key: str, page: str) -> None:
    """Once it returns, whoever may read there sees all of it; one that was there is replaced."""
    clients.s3().put_object(Bucket=bucket, Key=key, Body=page.encode(), ContentType=HTML)
