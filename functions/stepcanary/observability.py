"""The logger and the metrics that all functions share."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics()
