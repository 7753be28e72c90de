"""The ECS scheduler: real processes behind moto's ECS services."""

import atexit
import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.core.utils import utcnow
from moto.ecs.models import Service, ecs_backends

from emulator.account import ACCOUNT, REGION
from emulator.events import Event
from emulator.moto_gaps.ecs import (
    configuration_of,
    deployments_of,
    lock,
    new_deployment,
    report_tasks,
)
from emulator.registry import Registry
from sandbox.log_driver import FLUSH_SECONDS, LogDriver, can_start, stream_for
from sandbox.ports import free_port
from sandbox.registration import register
from sandbox.rolling import Deployment, next_step
from sandbox.task import Task
from sandbox.timers import Ticks

APP = Path(__file__).with_name("app.py")

SIDECARS = ("appmesh/aws-appmesh-envoy:", "xray/aws-xray-daemon:", "cloudwatch-agent:")
"""Images of containers that stand beside an application. None of them is run here."""

log = logging.getLogger(__name__)


def application(containers: list[dict[str, Any]]) -> dict[str, Any]:
    """The container of a task that answers requests; a gateway's has none beside its Envoy."""
    apps = (each for each in containers if not any(s in each["image"] for s in SIDECARS))
    return next(apps, containers[0])


@dataclass
class Fleet:
    """What the agent remembers of one service."""

    tasks: list[Task] = field(default_factory=list)
    announced: set[tuple[str, str]] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    """By deployment, what the images of its containers meant when it started its first task."""
    retry_at: dict[str, float] = field(default_factory=dict)
    """By deployment, when the next task may be started in place of one that failed."""
    kept: dict[str, int] = field(default_factory=dict)
    """By deployment, how many healthy tasks it had as the newest, and keeps as an older one."""
    seen: tuple[str, int] = ("", 0)
    """The newest deployment, and how many tasks it should have, at the last look."""
    completed: str | None = None


class EcsAgent:
    """Starts, registers, drains and stops tasks until every service is as its deployments ask."""

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        tick: float = 0.075,
        drain_seconds: float = 0.5,
        health_seconds: float = 10.0,
        stop_seconds: float = 6.0,
        flush_seconds: float = FLUSH_SECONDS,
        on_event: Callable[[Event], None] | None = None,
        variables_of: Callable[[list[dict[str, Any]]], dict[str, str]] = lambda containers: {},
    ) -> None:
        self._ecs = ecs_backends[account][region]
        self.registry = Registry()
        self._account, self._region = account, region
        self._drain_seconds = drain_seconds
        self._health_seconds = health_seconds
        self._stop_seconds = stop_seconds
        self._flush_seconds = flush_seconds
        self._on_event = on_event
        self._variables_of = variables_of
        self._events: list[Event] = []
        self._fleets: dict[str, Fleet] = {}
        self._broken: set[str] = set()
        self._bad: set[str] = set()
        self._ticks = Ticks("the ECS agent", self._look, tick)

    def start(self) -> None:
        atexit.register(self.close)
        self._ticks.start()

    def close(self) -> None:
        self._ticks.close()
        tasks = [task for fleet in self._fleets.values() for task in fleet.tasks]
        for task in tasks:
            self._deregister(task)
            task.process.kill()
        for task in tasks:
            task.process.wait()
            if task.logs:
                task.logs.wait()
        self._fleets.clear()
        atexit.unregister(self.close)

    def pids(self, service: str) -> list[int]:
        """Process ids of a service's tasks, for tests that kill one."""
        with lock:
            return [
                task.process.pid
                for key, fleet in self._fleets.items()
                if key.split(":")[-1] == service
                for task in fleet.tasks
            ]

    def content(self, service: str) -> dict[str, str]:
        """What the newest deployment of a service runs, by container and for people; empty before
        its first task."""
        with lock:
            for key, fleet in self._fleets.items():
                if key.split(":")[-1] == service:
                    newest = deployments_of(self._ecs.services[key])[0]
                    return fleet.contents.get(newest["id"], {})
        return {}

    def break_image(self, image: str) -> None:
        """From now on no task of this image lives: those that run die, and each new one exits.

        As when something that the version needs in order to start is taken from it.
        """
        with lock:
            self._broken.add(image)
            for fleet in self._fleets.values():
                for task in fleet.tasks:
                    if task.image == image:
                        task.process.kill()

    def turn_bad(self, service: str) -> None:
        """From now on the healthy tasks that a service has fail some of their requests."""
        with lock:
            for key, fleet in self._fleets.items():
                for task in fleet.tasks:
                    if key.split(":")[-1] == service and task.healthy:
                        task.process.send_signal(signal.SIGUSR1)

    def turn_image_bad(self, image: str) -> None:
        """From now on all tasks of this image fail some of their requests, those to come as well.

        As when something that the version needs in order to answer is taken from it.
        """
        with lock:
            self._bad.add(image)
            for fleet in self._fleets.values():
                for task in fleet.tasks:
                    if task.image == image and task.healthy:
                        task.process.send_signal(signal.SIGUSR1)

    def fail_once(self, service: str) -> None:
        """One healthy task of a service fails its next request, and no other."""
        with lock:
            healthy = [
                task
                for key, fleet in self._fleets.items()
                for task in fleet.tasks
                if key.split(":")[-1] == service and task.healthy
            ]
            healthy[0].process.send_signal(signal.SIGUSR2)

    def _look(self) -> None:
        # Probes happen outside the lock, so that a slow task delays no API call.
        for fleet in list(self._fleets.values()):
            for task in [t for t in fleet.tasks if t.live and not t.healthy]:
                task.probe()
        with lock:
            for key, service in list(self._ecs.services.items()):
                if service.deployments:
                    self._reconcile(service, self._fleets.setdefault(key, Fleet()))
            self._count_clusters()
        events, self._events = self._events, []
        for event in events:
            if self._on_event:
                self._on_event(event)

    def _reconcile(self, service: Service, fleet: Fleet) -> None:
        now = time.monotonic()
        desired = service.desired_count if service.status == "ACTIVE" else 0
        primary = service.deployments[0]
        self._announce(service, fleet, primary, "IN_PROGRESS")
        self._bury(service, fleet, now)
        self._register_healthy(service, fleet)
        if self._breaker_trips(service, fleet, primary, desired):
            primary = self._fail(service, fleet, primary)
        self._roll(service, fleet, desired, now)
        self._stop_drained(fleet, now)
        self._report(service, fleet, primary, desired)

    def _bury(self, service: Service, fleet: Fleet, now: float) -> None:
        for task in list(fleet.tasks):
            dead = task.process.poll() is not None
            late = task.live and not task.healthy and now - task.started > self._health_seconds
            if late and not dead:
                task.process.kill()
                task.process.wait()
            if not dead and not late:
                continue
            self._deregister(task)
            fleet.tasks.remove(task)
            if not task.live:
                continue
            failures = fleet.failures.get(task.deployment, 0) + 1
            fleet.failures[task.deployment] = failures
            fleet.retry_at[task.deployment] = now + min(0.2 * 2 ** (failures - 1), 5.0)
            for deployment in deployments_of(service):
                if deployment["id"] == task.deployment and task.deployment not in fleet.proven:
                    deployment["failedTasks"] += 1

    def _register_healthy(self, service: Service, fleet: Fleet) -> None:
        for task in fleet.tasks:
            if not (task.live and task.healthy) or task.registered:
                continue
            # ECS: one healthy task resets the count of failed tasks and ends its evaluation.
            fleet.proven.add(task.deployment)
            for deployment in deployments_of(service):
                if deployment["id"] == task.deployment:
                    deployment["failedTasks"] = 0
            if task.image in self._bad:
                task.process.send_signal(signal.SIGUSR1)
            task.registered.extend(register(service, self._account, task.id, task.port))

    def _breaker_trips(
        self, service: Service, fleet: Fleet, primary: dict[str, Any], desired: int
    ) -> bool:
        breaker = configuration_of(service).get("deploymentCircuitBreaker") or {}
        threshold = min(200, max(3, math.ceil(desired * 0.5)))
        return (
            bool(breaker.get("enable"))
            and primary["rolloutState"] == "IN_PROGRESS"
            and primary["failedTasks"] >= threshold
        )

    def _fail(self, service: Service, fleet: Fleet, primary: dict[str, Any]) -> dict[str, Any]:
        reason = "ECS deployment circuit breaker: tasks failed to start."
        primary.update(rolloutState="FAILED", rolloutStateReason=reason, updatedAt=utcnow())
        self._announce(service, fleet, primary, "FAILED")
        rollback = configuration_of(service)["deploymentCircuitBreaker"].get("rollback")
        if not rollback or fleet.completed is None or fleet.completed == primary["taskDefinition"]:
            return primary
        replacement = new_deployment(service, fleet.completed)
        reason = f"ECS deployment circuit breaker: rolling back to deploymentId {replacement['id']}"
        replacement["rolloutStateReason"] = reason
        self._announce(service, fleet, replacement, "IN_PROGRESS")
        return replacement

    def _roll(self, service: Service, fleet: Fleet, desired: int, now: float) -> None:
        """Start and stop what the service's deployments need next."""
        primary, *older = deployments_of(service)
        newest, before = fleet.seen
        fleet.seen = (primary["id"], desired)
        if older and newest == primary["id"] and desired > before:
            # Since 2025-11 ECS scales out what runs already, not only what is being deployed.
            grown = desired - before
            fleet.kept[older[0]["id"]] = fleet.kept.get(older[0]["id"], 0) + grown
        step = next_step(
            desired,
            configuration_of(service),
            self._counted(fleet, primary),
            [self._counted(fleet, each) for each in older],
            stopping=sum(not t.live and t.stopped_at is None for t in fleet.tasks),
            failed=primary["rolloutState"] == "FAILED",
        )
        counts = zip(older, step.start_older, step.kept, strict=True)
        for deployment, start, keeps in [(primary, step.start, desired), *counts]:
            if now >= fleet.retry_at.get(deployment["id"], 0.0):
                fleet.tasks += [self._spawn(service, fleet, deployment) for _ in range(start)]
            live = [t for t in fleet.tasks if t.live and t.deployment == deployment["id"]]
            fleet.kept[deployment["id"]] = keeps
            for task in sorted(live, key=lambda task: not task.healthy)[keeps:]:
                self._drain(task, now)
        fleet.kept[primary["id"]] = self._counted(fleet, primary).healthy

    def _counted(self, fleet: Fleet, deployment: dict[str, Any]) -> Deployment:
        live = [task for task in fleet.tasks if task.live and task.deployment == deployment["id"]]
        kept = fleet.kept.get(deployment["id"], 0)
        return Deployment(len(live), sum(task.healthy for task in live), kept)

    def _spawn(self, service: Service, fleet: Fleet, deployment: dict[str, Any]) -> Task:
        definition = self._ecs.describe_task_definition(deployment["taskDefinition"])
        containers = definition.container_definitions
        app = application(containers)
        images = {str(c["name"]): str(c["image"]) for c in containers}
        resolved = {name: self.registry.label(image) for name, image in images.items()}
        content = fleet.contents.setdefault(deployment["id"], resolved)
        image, port = content[app["name"]], free_port()
        # A task whose log group is missing does not start.
        lives = image not in self._broken and can_start(app, self._account, self._region)
        id = uuid4().hex
        put = stream_for(app, id, self._account, self._region) if lives else None
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(APP)],
            env={
                **{item["name"]: item["value"] for item in app.get("environment", [])},
                **self._variables_of(containers),
                "PORT": str(port),
                "IMAGE": image if lives else f"{image}-crash",
                "SERVICE": str(service.name),
                "PARENT_PID": str(os.getpid()),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if put else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        logs = LogDriver(process, put, seconds=self._flush_seconds) if put else None
        return Task(
            deployment["id"],
            deployment["taskDefinition"],
            image,
            port,
            process,
            time.monotonic(),
            id,
            logs,
        )

    def _drain(self, task: Task, now: float) -> None:
        self._deregister(task)
        task.draining_since = now

    def _stop_drained(self, fleet: Fleet, now: float) -> None:
        for task in fleet.tasks:
            if task.draining_since is None:
                continue
            if task.stopped_at is None:
                if now - task.draining_since >= self._drain_seconds:
                    task.process.send_signal(signal.SIGTERM)
                    task.stopped_at = now
            elif now - task.stopped_at > self._stop_seconds:
                task.process.kill()

    def _deregister(self, task: Task) -> None:
        for undo in task.registered:
            try:
                undo()
            except Exception as gone:
                log.debug("task %s was deregistered already: %s", task.id, gone)
        task.registered = []

    def _report(
        self, service: Service, fleet: Fleet, primary: dict[str, Any], desired: int
    ) -> None:
        kept = []
        for deployment in deployments_of(service):
            tasks = [task for task in fleet.tasks if task.deployment == deployment["id"]]
            running = sum(task.answering and task.stopped_at is None for task in tasks)
            pending = sum(not task.answering and task.live for task in tasks)
            wanted = desired if deployment is primary else fleet.kept.get(deployment["id"], 0)
            counts = (running, pending, wanted)
            if counts != tuple(
                deployment[name] for name in ("runningCount", "pendingCount", "desiredCount")
            ):
                deployment.update(runningCount=running, pendingCount=pending, desiredCount=wanted)
                deployment["updatedAt"] = utcnow()
            if deployment is primary or tasks or wanted:
                kept.append(deployment)
        service.deployments = kept
        live = [task for task in fleet.tasks if task.live]
        report_tasks(service, [self._described(service, fleet, task) for task in live])
        service.running_count = sum(d["runningCount"] for d in kept)
        service.pending_count = sum(d["pendingCount"] for d in kept)
        steady = len(kept) == 1 and sum(t.healthy and t.live for t in fleet.tasks) >= desired
        if primary["rolloutState"] == "IN_PROGRESS" and steady:
            primary.update(
                rolloutState="COMPLETED",
                rolloutStateReason=f"ECS deployment {primary['id']} completed.",
                updatedAt=utcnow(),
            )
            fleet.completed = primary["taskDefinition"]
            self._announce(service, fleet, primary, "COMPLETED")

    def _described(self, service: Service, fleet: Fleet, task: Task) -> dict[str, Any]:
        where = f"arn:aws:ecs:{self._region}:{self._account}"
        containers = [
            {"name": name, "image": image, "imageDigest": self.registry.digest(image)}
            for name, image in fleet.contents[task.deployment].items()
        ]
        return {
            "taskArn": f"{where}:task/{service.cluster_name}/{task.id}",
            "clusterArn": f"{where}:cluster/{service.cluster_name}",
            "taskDefinitionArn": task.definition,
            "group": f"service:{service.name}",
            "startedBy": task.deployment,
            "lastStatus": "RUNNING" if task.answering else "PENDING",
            "desiredStatus": "RUNNING",
            "containers": containers,
        }

    def _announce(
        self, service: Service, fleet: Fleet, deployment: dict[str, Any], state: str
    ) -> None:
        if (deployment["id"], state) in fleet.announced:
            return
        fleet.announced.add((deployment["id"], state))
        self._events.append(
            {
                "source": "aws.ecs",
                "detail-type": "ECS Deployment State Change",
                "resources": [service.arn],
                "detail": {
                    "eventType": "ERROR" if state == "FAILED" else "INFO",
                    "eventName": f"SERVICE_DEPLOYMENT_{state}",
                    "deploymentId": deployment["id"],
                    "updatedAt": deployment["updatedAt"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                    "reason": deployment["rolloutStateReason"],
                },
            }
        )

    def _count_clusters(self) -> None:
        for cluster in self._ecs.clusters.values():
            services = [s for s in self._ecs.services.values() if s.cluster_name == cluster.name]
            cluster.running_tasks_count = sum(s.running_count for s in services)
            cluster.pending_tasks_count = sum(s.pending_count for s in services)
