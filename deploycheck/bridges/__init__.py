"""What MiniStack 1.5.33 does otherwise than AWS, one module for each AWS service.

`crossed()` of each module patches MiniStack while it is open. Every bridge says what AWS does and
what MiniStack does instead, and has a test in `tests/deploycheck` that fails once a release of
MiniStack does as AWS does, so that the bridge is deleted then.

Nothing here is imported by the stack or by the sandbox: MiniStack is in an environment of its own.
"""
