"""Chance: how far counts may stray from what is expected of them."""

import math
import random
from functools import lru_cache

RARE = 1e-4
"""What is less probable than this is left out of a worst case."""
CONFIDENCE_95 = 1.959964
DIRECTLY = 16
CLOSE = 0.05
REMEMBERED = 50_000


@lru_cache(maxsize=REMEMBERED)
def most(mean: float, rare: float = RARE) -> int:
    """What a count of independent events exceeds with a probability of at most `rare`.

    By Chernoff's bound, so it is never too low.
    """
    if mean <= 0:
        return 0
    needed = -math.log(rare)
    low, high = mean, mean + math.sqrt(2 * mean * needed) + needed
    while high - low > CLOSE:
        middle = (low + high) / 2
        low, high = (low, middle) if _exponent(middle, mean) >= needed else (middle, high)
    return math.ceil(high)


@lru_cache(maxsize=REMEMBERED)
def least(mean: float, rare: float = RARE) -> int:
    """What a count of independent events falls below with a probability of at most `rare`."""
    needed = -math.log(rare)
    if mean <= needed:
        return 0
    low, high = max(0.0, mean - math.sqrt(2 * mean * needed)), mean
    while high - low > CLOSE:
        middle = (low + high) / 2
        low, high = (middle, high) if _exponent(middle, mean) >= needed else (low, middle)
    return math.floor(low)


def _exponent(count: float, mean: float) -> float:
    return (count * math.log(count / mean) if count else 0.0) - count + mean


@lru_cache(maxsize=REMEMBERED)
def over(limit: float, mean: float) -> float:
    """How probable it is that a count is above a limit."""
    if mean <= 0:
        return 0.0
    terms = (
        math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
        for n in range(math.floor(limit) + 1)
    )
    return max(0.0, 1.0 - math.fsum(terms))


@lru_cache(maxsize=REMEMBERED)
def at_most_of(tries: int, share: float, rare: float = RARE) -> int:
    """How many of so many tries succeed at most, but with a probability of `rare`."""
    if share <= 0:
        return 0
    if share >= 1:
        return tries
    left = 1.0
    for successes in range(tries):
        ways = math.lgamma(tries + 1) - math.lgamma(successes + 1)
        ways -= math.lgamma(tries - successes + 1)
        log = ways + successes * math.log(share) + (tries - successes) * math.log1p(-share)
        left -= math.exp(log)
        if left <= rare:
            return successes
    return tries


def wilson(found: int, of: int, z: float = CONFIDENCE_95) -> tuple[float, float]:
    """Between which the share lies that so many of so many were drawn from: Wilson's interval."""
    if not of:
        return 0.0, 1.0
    share, square = found / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    low = 0.0 if found == 0 else max(0.0, middle - half)
    return low, 1.0 if found == of else min(1.0, middle + half)


def drawn(tries: int, share: float, chance: random.Random) -> int:
    """How many of so many tries succeed, drawn at random: exactly binomial, and as fast for many.

    The median of as many uniform numbers says on which side of the share half of them are.
    """
    total = 0
    while tries > DIRECTLY and 0 < share < 1:
        below = tries // 2 + 1
        above = tries + 1 - below
        middle = chance.betavariate(below, above)
        if middle >= share:
            tries, share = below - 1, share / middle
        else:
            total += below
            tries, share = above - 1, (share - middle) / (1 - middle)
    if share >= 1:
        return total + tries
    return total + sum(chance.random() < share for _ in range(tries))
