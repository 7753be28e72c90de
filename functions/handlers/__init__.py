"""Handlers: one file for each function, as thin as can be."""

import gc

# Nothing that is loaded is garbage; to look for some took 7 % of a cold start. `answers` allows it
# again.
gc.disable()
