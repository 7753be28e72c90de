"""Contract: the base of what a function gets and gives back.

Each function needs two or three of them, and `answers` builds those; the others are left unbuilt.
"""

from pydantic import ConfigDict

from stepcanary.domain.model import Model


class Contract(Model):
    model_config = ConfigDict(defer_build=True)
