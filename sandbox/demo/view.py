"""View: a release as the command line's watch shows it, with what its users saw."""

import sys
import time

from rich.console import Console

from sandbox.client import Client
from sandbox.cloud import Sandbox
from sandbox.demo.asking import ask
from stepcanary.domain.picture import Picture
from stepcanary_cli.failures import Refused
from stepcanary_cli.views import Lines, Terminal
from stepcanary_cli.views import View as Watch

LOOK_SECONDS = 0.7


class View:
    """A picture that changes in its place on a terminal, lines elsewhere."""

    def __init__(self, sandbox: Sandbox, client: Client, began: float) -> None:
        self._sandbox, self._client, self._began = sandbox, client, began
        self._looked_at = 0.0
        self._said = False
        self._watch: Watch = (
            Terminal(Console(markup=False, emoji=False, highlight=False), footer=self._users)
            if sys.stdout.isatty()
            else Lines(self._say, self._say)
        )

    def show(self, execution: str, *, last: bool = False) -> None:
        """Nothing as long as the release has not begun."""
        now = time.monotonic()
        if last or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if (picture := self._ask(execution)) is not None:
                self._watch.show(picture)
                if self._said:
                    print(f"          {self._users()}", flush=True)
                self._said = False
                return
        self._watch.tick()

    def end(self) -> None:
        self._watch.end()

    def _ask(self, execution: str) -> Picture | None:
        try:
            found = ask(self._sandbox, {"question": "show", "release": execution})
        except Refused:
            return None
        return Picture.model_validate(found["picture"], strict=False)

    def _say(self, text: str) -> None:
        self._said = True
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def _users(self) -> str:
        total = self._client.total
        versions = ", ".join(
            f"{count} by {version} ({total.errors_by_version[version]} errors)"
            for version, count in sorted(total.by_version.items())
        )
        return f"its users: {total.requests} requests, {versions or 'none yet'}"
