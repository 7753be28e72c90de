"""Patience: a call is made again while AWS does not answer, for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from stepcanary_cli.failures import Garbled, explained, is_busy, is_lost

R = TypeVar("R")

FAILURES = (BotoCoreError, ClientError, ResponseParserError, Garbled)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0


@dataclass(slots=True)
class Patience:
    """Gives up after `seconds`. Until AWS was `reached` once, what does not answer is told at once:
    it is a wrong endpoint, or no network."""

    seconds: float
    say: Callable[[str], None]
    reached: bool = False

    def call(self, do: Callable[[], R]) -> R:
        """Raises a `Failure` that says what to do."""
        over, pause = time.monotonic() + self.seconds, FIRST_PAUSE
        is_told = False
        while True:
            try:
                answer = do()
            except FAILURES as error:
                is_worth_it = is_busy(error) or (self.reached and is_lost(error))
                if not is_worth_it or time.monotonic() + pause > over:
                    raise explained(error) from error
                if not is_told:
                    self.say(f"AWS does not answer; trying again for {self.seconds:g} s")
                    is_told = True
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self.reached = True
            if is_told:
                self.say("AWS answers again")
            return answer
