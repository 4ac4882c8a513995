"""Requests over a few kept-alive connections, one at a time on each, from outside the server."""

from __future__ import annotations

import re
import selectors
import socket
import time

CONNECTIONS = 16


def load(port: int, path: str, count: int, body: str = "") -> float:
    """Sends `count` requests and checks the status of each answer.

    Args:
        port: where the server listens, on 127.0.0.1.
        path: what is asked for.
        count: how many requests in all.
        body: JSON to POST; GET without one.

    Returns:
        The seconds from the first request to the last answer.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode()
    if body:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        request = b"POST" + request[3:-2] + length.encode()
    size = answer_size(port, request)
    selector = selectors.DefaultSelector()
    lines: list[socket.socket] = []
    waiting = {}
    sent = answered = 0
    try:
        for _ in range(min(CONNECTIONS, count)):
            sock = socket.create_connection(("127.0.0.1", port), 10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(sock, selectors.EVENT_READ)
            lines.append(sock)
            waiting[sock] = size
        began = time.perf_counter()
        for sock in lines:
            sock.sendall(request)
            sent += 1
        while answered < count:
            for key, _ in selector.select(10):
                sock = key.fileobj  # type: ignore[assignment]
                data = sock.recv(65536)
                if not data or (waiting[sock] == size and data[9:10] != b"2"):
                    raise RuntimeError(f"{path}: bad answer {data[:200]!r}")
                waiting[sock] -= len(data)
                if waiting[sock] > 0:
                    continue
                answered += 1
                waiting[sock] = size
                if sent < count:
                    sock.sendall(request)
                    sent += 1
        return time.perf_counter() - began
    finally:
        selector.close()
        for sock in lines:
            sock.close()


def answer_size(port: int, request: bytes) -> int:
    """The length of the answer, which is the same for all; waits until the server is up."""
    deadline = time.monotonic() + 15
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as sock:
                sock.settimeout(10)
                sock.sendall(request)
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = sock.recv(65536)
                    if not piece:
                        raise OSError("closed without an answer")
                    data += piece
                if data[9:10] != b"2":
                    raise RuntimeError(f"{request[:40]!r} was answered with {data[:300]!r}")
                head = data.index(b"\r\n\r\n") + 4
                length = re.search(rb"(?i)content-length: *(\d+)", data[:head])
                if length is None and b" 204 " not in data[:head]:
                    raise RuntimeError(f"an answer without a length: {data[:300]!r}")
                return head + (int(length[1]) if length else 0)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
