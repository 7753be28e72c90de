"""Target tracking: the capacity that a service is to have for its load. Pure.

The rules are those of
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """What one policy sees: its metric and target, and whether its alarms fire.

    `low` is None for a policy that may not scale in.
    """

    value: float
    target: float
    high: bool = False
    low: bool | None = False

    def needed(self, capacity: int) -> int:
        """The capacity at which the metric would be at its target, rounded up."""
        return math.ceil(capacity * self.value / self.target)


@dataclass(frozen=True, slots=True)
class Service:
    """A scalable target and the service behind it.

    `base` is what ran when the scale-out began whose cooldown is not over; it counts the load, as
    new tasks do not yet show in the metric. `may_scale_in` is what suspends, deployments and
    cooldowns leave of it.
    """

    desired: int
    running: int
    minimum: int
    maximum: int
    base: int | None = None
    may_scale_out: bool = True
    may_scale_in: bool = True


def capacity_for(service: Service, readings: Sequence[Reading]) -> int:
    """The desired count that is to be; the present one where nothing is to be scaled.

    One policy is enough to scale out, and the largest capacity counts; to scale in all have to
    agree. Capacity is added at once, and taken task by task.
    """
    high = [reading for reading in readings if reading.high]
    if high:
        running = service.running if service.base is None else service.base
        wanted = max(reading.needed(running) for reading in high)
        wanted = min(max(wanted, service.minimum), service.maximum)
        return max(wanted, service.desired) if service.may_scale_out else service.desired
    low = [reading for reading in readings if reading.low is not None]
    if not low or not all(reading.low for reading in low) or not service.may_scale_in:
        return service.desired
    wanted = max(reading.needed(service.running) for reading in low)
    wanted = min(max(wanted, service.desired - 1, service.minimum), service.maximum)
    # A count below the minimum is left alone: scaling in adds nothing.
    return min(wanted, service.desired)
