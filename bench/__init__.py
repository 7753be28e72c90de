"""Measured comparisons, made in the sandbox. Each writes JSON to build/bench."""
