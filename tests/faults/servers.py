"""Message servers of a test's own: started on free ports, killed, started again with their data.

Nothing here touches a server that somebody else started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.broker_probes import TARGETS, BrokerDown

PROJECT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerFailed(Exception):
    """The server ended or does not answer; the text has the end of its log."""


class Server(ABC):
    """One server process with a folder and a port that outlive it.

    Args:
        folder: where it keeps its data and its log.
        proxy_ports: ports of proxies in front of it, for servers that tell clients their address.
    """

    kind: ClassVar[str]
    start_takes: ClassVar[float] = 0.0  # seconds, at least
    writes_late: ClassVar[float] = 0.0  # seconds until a declaration survives a kill

    def __init__(self, folder: Path, proxy_ports: list[int] | None = None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.proxy_ports = list(proxy_ports or ())
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def environment(self) -> dict[str, str]:
        """Variables for it, on top of ours."""
        return {}

    def prepare(self) -> None:  # noqa: B027 - optional
        """Called before each start."""

    @classmethod
    def url_at(cls, port: int) -> str:
        """The address for a client of a server with this port."""
        return f"{cls.kind}://127.0.0.1:{port}"

    def url(self, port: int | None = None) -> str:
        """The address for a client, by default without a proxy."""
        return self.url_at(port or self.port)

    def behind(self, proxy_port: int) -> int:
        """The port to which a proxy forwards."""
        return self.port

    def start(self) -> None:
        """Starts it and returns when it answers in its own protocol."""
        self.prepare()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env={**os.environ, **self.environment()},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for_answer()

    def probe(self) -> None:
        """Raises BrokerDown unless it answers in its own protocol."""
        target = dataclasses.replace(
            TARGETS[self.kind], variable="ANYSTREAM_NO_SUCH_URL", default_url=self.url()
        )
        target.probe(1.0)

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                return self.probe()
            except BrokerDown as error:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.kill()
                    raise ServerFailed(f"{self.kind}: {error}\n{self.log_end()}") from None
                time.sleep(0.02)

    def log_end(self) -> str:
        """The last lines that it wrote."""
        text = (self.folder / "server.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])

    def kill(self) -> None:
        """SIGKILL for it and for the processes that it started."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """Kills it and what helps it; its folder stays."""
        self.kill()


class NatsServer(Server):
    """nats-server with JetStream; it looks after silent clients every second."""

    kind = "nats"

    def prepare(self) -> None:
        (self.folder / "server.conf").write_text('ping_interval: "1s"\nping_max: 2\n')

    def command(self) -> list[str]:
        files = ["-c", str(self.folder / "server.conf"), "-sd", str(self.folder / "data")]
        return ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", *files]


class RedisServer(Server):
    """redis-server that writes every command to disk before it answers."""

    kind = "redis"

    def command(self) -> list[str]:
        keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return ["redis-server", *where, *keep]


class RabbitServer(Server):
    """A RabbitMQ node with a name, a cookie and a port mapper (epmd) of its own."""

    kind = "rabbit"
    start_takes = 5.0
    writes_late = 3.0  # Mnesia's log keeps its latest entries in memory for two
    program = "/usr/lib/rabbitmq/bin/rabbitmq-server"

    def __init__(self, folder: Path, proxy_ports: list[int] | None = None) -> None:
        super().__init__(folder, proxy_ports)
        self.distribution = free_port()
        self.mapper_port = free_port()
        self.mapper: subprocess.Popen[bytes] | None = None

    @classmethod
    def url_at(cls, port: int) -> str:
        return f"amqp://guest:guest@127.0.0.1:{port}/"

    def prepare(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\ndisk_free_limit.absolute = 50MB\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        if self.mapper is None:
            self.mapper = subprocess.Popen(
                ["epmd", "-address", "127.0.0.1", "-port", str(self.mapper_port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def command(self) -> list[str]:
        return [self.program]

    def environment(self) -> dict[str, str]:
        local = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.mapper_port),
            "RABBITMQ_NODENAME": f"faults{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": local,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "vm.pid"),
        }

    def close(self) -> None:
        super().close()
        if self.mapper is not None:
            self.mapper.kill()
            self.mapper.wait()
            self.mapper = None


class KafkaServer(Server):
    """One Kafka node (KRaft); behind each proxy it has a listener that names the proxy."""

    kind = "kafka"
    start_takes = 4.0

    def __init__(self, folder: Path, proxy_ports: list[int] | None = None) -> None:
        super().__init__(folder, proxy_ports)
        self.controller = free_port()
        self.listeners = {proxy: free_port() for proxy in self.proxy_ports}

    @classmethod
    def url_at(cls, port: int) -> str:
        return f"127.0.0.1:{port}"

    def behind(self, proxy_port: int) -> int:
        return self.listeners[proxy_port]

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self.folder / "server.properties")]

    def _java(self) -> list[str]:
        limits = ["-Xmx320m", "-Xms96m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        log = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        return ["java", *limits, *log, "-cp", f"{kafka_jars()}/*"]

    def prepare(self) -> None:
        properties = self.folder / "server.properties"
        if properties.exists():
            return
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties()))
        told = ["kafka.tools.StorageTool", "format", "--cluster-id", "anystreamFaultTests000"]
        told += ["--config", str(properties), *self.format_options()]
        made = subprocess.run([*self._java(), *told], capture_output=True, check=False)
        if made.returncode != 0:
            raise ServerFailed(f"kafka: {made.stderr.decode(errors='replace')}")

    def format_options(self) -> list[str]:
        """Further arguments for the tool that makes its storage."""
        return []

    def _properties(self) -> list[tuple[str, object]]:
        names = {f"BEHIND{n}": proxy for n, proxy in enumerate(self.listeners)}
        bound = [f"{name}://127.0.0.1:{self.listeners[proxy]}" for name, proxy in names.items()]
        told = [f"{name}://127.0.0.1:{proxy}" for name, proxy in names.items()]
        plain = [f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *names)]
        here = f"PLAINTEXT://127.0.0.1:{self.port}"
        return [
            ("process.roles", "broker,controller"),
            ("node.id", 1),
            ("controller.quorum.voters", f"1@127.0.0.1:{self.controller}"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", ",".join([here, f"CONTROLLER://127.0.0.1:{self.controller}", *bound])),
            ("advertised.listeners", ",".join([here, *told])),
            ("listener.security.protocol.map", ",".join(plain)),
            ("log.dirs", self.folder / "data"),
            ("broker.session.timeout.ms", 2000),
            ("broker.heartbeat.interval.ms", 300),
            ("auto.create.topics.enable", "true"),
            ("num.partitions", 2),
            ("default.replication.factor", 1),
            ("min.insync.replicas", 1),
            ("offsets.topic.replication.factor", 1),
            ("offsets.topic.num.partitions", 4),
            ("transaction.state.log.replication.factor", 1),
            ("transaction.state.log.min.isr", 1),
            ("transaction.state.log.num.partitions", 4),
            ("share.coordinator.state.topic.replication.factor", 1),
            ("share.coordinator.state.topic.min.isr", 1),
            ("group.initial.rebalance.delay.ms", 0),
            ("group.min.session.timeout.ms", 500),
            ("log.cleaner.dedupe.buffer.size", 16777216),
        ]


def kafka_jars() -> Path:
    """Where `scripts/brokers.sh` keeps Kafka."""
    pom = (PROJECT / "scripts" / "kafka" / "pom.xml").read_text()
    version = re.search(r"<kafka\.version>(.*)</kafka\.version>", pom)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jars = cache / "anystream" / f"kafka-{version[1] if version else ''}"
    if not jars.is_dir():
        raise ServerFailed(f"there is no Kafka in {jars}: run `scripts/brokers.sh up kafka` once")
    return jars


SERVERS: dict[str, type[Server]] = {
    server.kind: server for server in (NatsServer, RedisServer, RabbitServer, KafkaServer)
}
