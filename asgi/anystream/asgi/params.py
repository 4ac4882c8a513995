"""Markers for the arguments of HTTP handlers."""

from __future__ import annotations

from typing import Any

from anystream.asgi.request_frame import RequestFrame
from anystream.core.context import ContextRepo, current_frame
from anystream.core.params import ContextField
from anystream.core.sentinel import EMPTY


class RequestField(ContextField):
    """Takes an argument from the headers or the query; made by `Header` and `Query`."""

    def __init__(self, real_name: str, *, part: str, cast: bool, default: Any) -> None:
        super().__init__(
            real_name, prefix=f"request.{part}", cast=cast, default=default, initial=None
        )
        self.part = part
        self._key: str | None = None

    @property
    def parts(self) -> list[str]:
        """The way to the value in the context."""
        return ["request", self.part, self.key]

    @property
    def key(self) -> str:
        """The name as the request has it."""
        if self._key is None:
            name = self.name or self.param_name or ""
            self._key = name.lower() if self.part == "headers" else name
        return self._key

    def resolve(self, repo: ContextRepo) -> Any:
        """The value, the default, or `EMPTY` when there is neither."""
        frame = current_frame.get()
        request: Any
        if type(frame) is RequestFrame and frame.repo is repo:
            request = frame.value  # almost always, and what `find` would take longer for
        elif (request := repo.find("request")) is EMPTY:
            return self.fallback(repo)
        values = request.headers if self.part == "headers" else request.query_params
        value = values.get(self.key, EMPTY)
        return self.fallback(repo) if value is EMPTY else value

    def __deepcopy__(self, memo: Any) -> RequestField:
        twin = RequestField(self.name, part=self.part, cast=self.cast, default=self.default)
        twin.param_name = self.param_name
        return twin


def Query(real_name: str = "", *, cast: bool = False, default: Any = EMPTY) -> Any:
    """Takes the argument from the query string: the list of all its values, each a `str`.

    A parameter without a value (`?name=`) counts as absent. Where there is neither value nor
    default, the client gets a 422.

    Args:
        real_name: name of the query parameter; the argument's own name when empty.
        cast: validate the list against the argument's annotation.
        default: used when the parameter is absent.
    """
    return RequestField(real_name, part="query_params", cast=cast, default=default)


def Header(real_name: str = "", *, cast: bool = False, default: Any = EMPTY) -> Any:
    """Takes the argument from a request header, a `str`.

    Where there is neither value nor default, the client gets a 422.

    Args:
        real_name: name of the header, in any case; the argument's own name when empty, where
            underscores stay underscores: write `Header("x-token")` for a name with dashes.
        cast: validate the value against the argument's annotation.
        default: used when the request has no such header.
    """
    return RequestField(real_name, part="headers", cast=cast, default=default)
