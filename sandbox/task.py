"""Task: one process of the demo application, as ECS would run it in a container."""

import http.client
import subprocess
from dataclasses import dataclass, field

from sandbox.log_driver import LogDriver
from sandbox.registration import Undo


@dataclass(eq=False)
class Task:
    deployment: str
    definition: str
    image: str
    port: int
    process: subprocess.Popen[bytes]
    started: float
    id: str
    logs: LogDriver | None = None
    answering: bool = False
    healthy: bool = False
    registered: list[Undo] = field(default_factory=list)
    draining_since: float | None = None
    stopped_at: float | None = None

    @property
    def live(self) -> bool:
        return self.draining_since is None

    def probe(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=0.5)
        try:
            connection.request("GET", "/health")
            self.healthy = connection.getresponse().status == 200
            self.answering = True
        except (OSError, http.client.HTTPException):
            self.healthy = False
        finally:
            connection.close()
