"""The judging side's HTTP client: the standard library's, with each step in the caller's hands."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anystream.conformance.journal import ClauseBroken

TIMEOUT = 5.0


@dataclass(frozen=True)
class Answer:
    """A whole HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ClauseBroken when it is not."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ClauseBroken(f"not JSON (status {self.status}): {self.text[:300]!r}") from error

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name]


class Line(http.client.HTTPConnection):
    """One connection to the server under test; it is never made anew behind the caller's back."""

    auto_open = 0

    def begin(self, method: str, path: str, headers: list[tuple[str, str]]) -> None:
        """Sends the request line and the headers."""
        self.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        self.endheaders()

    def chunk(self, data: bytes) -> None:
        """Sends one chunk of a chunked body; an empty one ends the body."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self) -> Answer:
        """Reads a whole response."""
        response = self.getresponse()
        return Answer(response.status, tuple(response.getheaders()), response.read())

    def hang_up(self) -> None:
        """Closes the connection at once, unread data or not."""
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)
        self.close()


@contextmanager
def connected(port: int, timeout: float = TIMEOUT) -> Iterator[Line]:
    """A connection to the server on `port`, closed at the end."""
    line = Line("127.0.0.1", port, timeout=timeout)
    line.connect()
    try:
        yield line
    finally:
        line.close()


def fetch(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes = b"",
    headers: list[tuple[str, str]] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """One request on a connection of its own."""
    sent = list(headers or [])
    if body or method in ("POST", "PUT", "PATCH"):
        sent.append(("content-length", str(len(body))))
    with connected(port, timeout) as line:
        line.begin(method, path, sent)
        if body:
            line.send(body)
        return line.answer()
