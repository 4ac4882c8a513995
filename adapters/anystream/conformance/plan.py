"""What a process under test is told to be; crosses the process boundary as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

VARIABLE = "ANYSTREAM_CONFORMANCE_ORDER"

StreamKind = Literal["app", "broker", "foreign", "traffic"]


@dataclass(frozen=True)
class BrokerPlan:
    """How one recording broker behaves.

    Args:
        name: how the journal calls it.
        start: `ok`, `slow` (a third of a second), `fail`, or `hang`.
        stop: the same for stop().
        second_kind: an instance of the other broker class, to be chosen by type.
    """

    name: str
    start: str = "ok"
    stop: str = "ok"
    second_kind: bool = False


@dataclass(frozen=True)
class Plan:
    """One scenario's application.

    Args:
        stream: what `setup` is given: an application with hooks, a bare broker, an application
            of another library, or a real application on the embedded broker.
        brokers: the brokers, in the order of their declaration.
        options: further keyword arguments of `setup`.
        mounts: whether the ping endpoints and the probe app are mounted.
        fails: the hook that raises: `user.start`, `user.stop` or a hook of the stream application.
        workers: how many worker processes the server is asked for.
        lifespan: False where the server is told not to run the application's lifespan.
    """

    stream: StreamKind = "app"
    brokers: tuple[BrokerPlan, ...] = (BrokerPlan("first"), BrokerPlan("second", second_kind=True))
    options: Mapping[str, Any] = field(default_factory=dict)
    mounts: bool = False
    fails: str = ""
    workers: int = 1
    lifespan: bool = True


@dataclass(frozen=True)
class Order:
    """A plan with everything a child process needs to carry it out.

    Args:
        host: where the Host object is, as `module:attribute`.
        server: the name of the server, or an empty text for a run without one.
        port: the TCP port on 127.0.0.1 to serve on.
        folder: where the journal and the flags are.
        plan: the application.
    """

    host: str
    server: str
    port: int
    folder: Path
    plan: Plan

    def save(self) -> Path:
        """Writes the order into its folder and returns the file."""
        path = self.folder / "order.json"
        path.write_text(json.dumps(asdict(self), default=str))
        return path

    @classmethod
    def from_environment(cls) -> Order:
        """Reads the order that the parent process left."""
        raw = json.loads(Path(os.environ[VARIABLE]).read_text())
        plan = raw.pop("plan")
        plan["brokers"] = tuple(BrokerPlan(**broker) for broker in plan["brokers"])
        return cls(**{**raw, "folder": Path(raw["folder"]), "plan": Plan(**plan)})
