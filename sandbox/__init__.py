"""The embedded cloud: AWS on one machine, with real requests. docs/sandbox.md says how."""
