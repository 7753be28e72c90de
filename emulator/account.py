"""The AWS account and the region in which everything is pretended to be."""

ACCOUNT = "123456789012"
REGION = "us-east-1"
