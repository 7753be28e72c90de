"""Names that both environments know: MiniStack's, and that of whoever starts it."""

INTERPRETER = "DEPLOYCHECK_PYTHON"
"""The environment variable that names the functions' Python."""
ELSEWHERE = "DEPLOYCHECK_SANDBOX"
"""That which names the sandbox's endpoint."""
PIPELINE_STACK = "checkout-pipeline"
"""The stack of `examples/pipeline`."""
