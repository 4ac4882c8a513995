"""Asks each broker, in its own protocol, whether it is up.

Standard library only, because `make brokers` runs it before anything is installed.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

TIMEOUT = float(os.environ.get("ANYSTREAM_PROBE_TIMEOUT", "2"))


class BrokerDown(Exception):
    """The broker does not answer, or not in a way that can be worked with; the text says how."""


@dataclass(frozen=True)
class Target:
    """Where a broker is expected, and how it is probed there."""

    name: str
    variable: str
    default_url: str
    default_port: int
    ask: Callable[[socket.socket, Address], None]

    @property
    def url(self) -> str:
        return os.environ.get(self.variable) or self.default_url

    def probe(self, timeout: float = TIMEOUT) -> None:
        """Raises BrokerDown unless the broker answers within `timeout` seconds for each step."""
        address = Address.parse(self.url, self.default_port)
        try:
            with socket.create_connection((address.host, address.port), timeout) as connection:
                self.ask(connection, address)
        except OSError as error:
            raise BrokerDown(f"{self.name} does not answer at {self.url} ({error})") from error


@dataclass(frozen=True)
class Address:
    """The parts of a broker URL that a probe needs; of several servers, the first."""

    host: str
    port: int
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str, default_port: int) -> Address:
        first = url.split(",")[0]
        parts = urlsplit(first if "://" in first else f"broker://{first}")
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or default_port,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise BrokerDown("the connection was closed in the middle of an answer")
        data += piece
    return data


def receive_line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\r\n"):
        line += receive(connection, 1)
    return line[:-2]


def ask_nats(connection: socket.socket, address: Address) -> None:
    greeting = receive_line(connection)
    if not greeting.startswith(b"INFO "):
        raise BrokerDown(f"what listens there is not NATS: it said {greeting[:40]!r}")
    info = json.loads(greeting[5:])
    options: dict[str, object] = {"verbose": False, "pedantic": False, "lang": "probe"}
    if address.password is not None:
        options |= {"user": address.user, "pass": address.password}
    elif address.user is not None:
        options["auth_token"] = address.user
    connection.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
    answer = receive_line(connection)
    if answer != b"PONG":
        raise BrokerDown(f"NATS refused the connection: {answer.decode(errors='replace')}")
    if not info.get("jetstream"):
        raise BrokerDown("NATS answers but JetStream is off: start it with `nats-server -js`")


def ask_redis(connection: socket.socket, address: Address) -> None:
    if address.password is not None:
        words = [
            b"AUTH",
            *([address.user.encode()] if address.user else []),
            address.password.encode(),
        ]
        command = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        connection.sendall(b"*%d\r\n" % len(words) + command)
        if not (answer := receive_line(connection)).startswith(b"+OK"):
            raise BrokerDown(f"Redis refused the password: {answer.decode(errors='replace')}")
    connection.sendall(b"*1\r\n$4\r\nPING\r\n")
    answer = receive_line(connection)
    if answer != b"+PONG":
        raise BrokerDown(f"Redis is not ready: {answer.decode(errors='replace')}")


AMQP_METHOD_FRAME = 1
AMQP_CONNECTION_START = (10, 10)
AMQP_CONNECTION_START_OK = (10, 11)
AMQP_CONNECTION_TUNE = (10, 30)


def receive_amqp_method(connection: socket.socket) -> tuple[int, int]:
    kind, _channel, size = struct.unpack(">BHI", receive(connection, 7))
    if kind != AMQP_METHOD_FRAME:
        raise BrokerDown(f"what listens there is not AMQP 0-9-1 (first byte {kind:#x})")
    payload = receive(connection, size + 1)
    class_id, method_id = struct.unpack(">HH", payload[:4])
    return class_id, method_id


def ask_rabbit(connection: socket.socket, address: Address) -> None:
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    if receive_amqp_method(connection) != AMQP_CONNECTION_START:
        raise BrokerDown("RabbitMQ did not open the handshake")
    login = f"\0{address.user or 'guest'}\0{address.password or 'guest'}".encode()
    payload = struct.pack(">HH", *AMQP_CONNECTION_START_OK)
    payload += struct.pack(">I", 0)
    payload += b"\x05PLAIN" + struct.pack(">I", len(login)) + login + b"\x05en_US"
    frame = struct.pack(">BHI", AMQP_METHOD_FRAME, 0, len(payload)) + payload + b"\xce"
    connection.sendall(frame)
    if receive_amqp_method(connection) != AMQP_CONNECTION_TUNE:
        raise BrokerDown(f"RabbitMQ refused the login of {address.user or 'guest'!r}")


KAFKA_METADATA = 3
KAFKA_METADATA_VERSION = 1


def ask_kafka(connection: socket.socket, address: Address) -> None:
    client = b"anystream-probe"
    header = struct.pack(">hhih", KAFKA_METADATA, KAFKA_METADATA_VERSION, 1, len(client)) + client
    request = header + struct.pack(">i", 0)
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", receive(connection, 4))
    if not 8 <= size < 1_000_000:
        raise BrokerDown("what listens there is not Kafka")
    correlation, brokers = struct.unpack(">ii", receive(connection, size)[:8])
    if correlation != 1:
        raise BrokerDown("what listens there is not Kafka")
    if brokers < 1:
        raise BrokerDown("Kafka answers but no broker of the cluster is ready yet")


TARGETS = {
    target.name: target
    for target in (
        Target("nats", "ANYSTREAM_NATS_URL", "nats://localhost:4222", 4222, ask_nats),
        Target("redis", "ANYSTREAM_REDIS_URL", "redis://localhost:6379", 6379, ask_redis),
        Target(
            "rabbit", "ANYSTREAM_RABBIT_URL", "amqp://guest:guest@localhost:5672/", 5672, ask_rabbit
        ),
        Target("kafka", "ANYSTREAM_KAFKA_URL", "localhost:9092", 9092, ask_kafka),
    )
}


def main(arguments: list[str]) -> int:
    """`probe NAME` exits 0 when it answers; `address NAME` prints its URL, host and port."""
    if (
        len(arguments) != 2
        or arguments[0] not in ("probe", "address")
        or arguments[1] not in TARGETS
    ):
        print(f"usage: broker_probes.py probe|address {'|'.join(TARGETS)}", file=sys.stderr)
        return 2
    target = TARGETS[arguments[1]]
    if arguments[0] == "address":
        address = Address.parse(target.url, target.default_port)
        print(target.url, address.host, address.port)
        return 0
    try:
        target.probe()
    except BrokerDown as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
