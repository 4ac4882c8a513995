"""Writes many messages to NATS, as fast as it takes them, from outside the measured process."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.benchmarks.bodies import DATA, headers, nats_url

CHUNK = 500


def flood(subjects: Sequence[str], count: int, stream: bool = False) -> None:
    """Publishes `count` messages, in turn to each of `subjects`.

    Args:
        subjects: where they go.
        count: how many in all.
        stream: a stream takes them: wait for its answer to every chunk, so that it loses none.
    """
    parts = urlsplit(nats_url())
    inbox = f"_INBOX.{uuid.uuid4().hex}"
    frames = [frame(subject) for subject in subjects]
    with socket.create_connection((parts.hostname or "localhost", parts.port or 4222), 10) as sock:
        reader = sock.makefile("rb")
        reader.readline()  # INFO
        hello = b'CONNECT {"verbose":false,"headers":true,"no_responders":false}\r\n'
        sock.sendall(hello + f"SUB {inbox} 1\r\nPING\r\n".encode())
        wait_for(reader, b"PONG")
        for start in range(0, count, CHUNK):
            size = min(CHUNK, count - start)
            batch = [frames[(start + i) % len(frames)] for i in range(size)]
            if stream:
                batch[-1] = frame(subjects[(start + size - 1) % len(subjects)], inbox)
            sock.sendall(b"".join(batch))
            if stream:
                wait_for(reader, b"MSG")
                answer = reader.readline()
                if b'"error"' in answer:
                    raise RuntimeError(f"the stream refused a message: {answer!r}")
        sock.sendall(b"PING\r\n")
        wait_for(reader, b"PONG")


def frame(subject: str, reply: str = "") -> bytes:
    """One message in the protocol of NATS."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers().items())
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    to = f"{subject} {reply}" if reply else subject
    return f"HPUB {to} {len(head)} {len(head) + len(DATA)}\r\n".encode() + head + DATA + b"\r\n"


def wait_for(reader: object, word: bytes) -> None:
    while line := reader.readline():  # type: ignore[attr-defined]
        if line.startswith(word):
            return
        if line.startswith(b"-ERR"):
            raise RuntimeError(f"NATS says {line!r}")
    raise RuntimeError(f"NATS closed the connection before {word!r}")
