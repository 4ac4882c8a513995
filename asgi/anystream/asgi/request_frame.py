"""The request in hand, as a link of the context's chain."""

from __future__ import annotations

from typing import Any

from anystream.asgi.request import AsgiRequest
from anystream.asgi.types import Receive, Scope
from anystream.core.context import ContextRepo, Frame


class RequestFrame(Frame):
    """The context's link for a request in hand; the request object is made when asked for."""

    __slots__ = ("_request", "receive", "scope")

    _request: AsgiRequest
    key = "request"

    def __init__(self, repo: ContextRepo, scope: Scope, receive: Receive, outer: Any) -> None:
        self.repo = repo
        self.scope = scope
        self.receive = receive
        self.outer = outer

    @property
    def value(self) -> Any:
        try:
            return self._request
        except AttributeError:
            self._request = AsgiRequest(self.scope, self.receive)
            return self._request
