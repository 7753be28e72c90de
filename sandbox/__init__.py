"""The embedded cloud: AWS on one machine, with real requests. docs/sandbox.md says how."""

import os

# Powertools reads it when a module of the functions is imported, and takes it for the stack's name:
# in the log, and as the dimension by which the dashboard finds its metrics.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "stepcanary")
