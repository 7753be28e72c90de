"""Deploy check: the stack as `sam` builds and deploys it, in an emulator that shares no code with
the sandbox's. See docs/deploy-check.md."""
