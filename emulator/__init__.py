"""AWS pretended in one process: what the tests and the sandbox both stand on.

moto is the API, `moto_gaps` completes it, and `template.yaml` says what is deployed. Nothing here
starts a process or listens on a port.
"""
