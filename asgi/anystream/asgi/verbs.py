"""Decorators that make a function an HTTP endpoint: `get`, `post`, `put`, …"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from anystream.asgi.handlers import (
    DeleteHandler,
    GetHandler,
    HeadHandler,
    HttpHandler,
    OptionsHandler,
    PatchHandler,
    PostHandler,
    PutHandler,
)

HandlerT = TypeVar("HandlerT", bound=HttpHandler)


class Verb(Generic[HandlerT]):
    """A decorator, with or without brackets.

    The function's first argument without a marker receives the ASGI scope; others come from
    `Query`, `Header`, `Context`, `Depends`, `Request` or `Logger`; `await request.json()` has the
    body. It returns `AsgiResponse`, `JSONResponse(data)` or any other ASGI callable. A request
    whose arguments do not validate is answered with 422, an exception with 500; both are logged.
    Endpoints of different methods may share a path.

    Args:
        kind: the class of the endpoints that it makes.
    """

    def __init__(self, kind: type[HandlerT]) -> None:
        self.kind = kind

    @overload
    def __call__(
        self,
        func: Callable[..., Any],
        *,
        include_in_schema: bool = ...,
        description: str | None = ...,
        tags: Sequence[Any] | None = ...,
        unique_id: str | None = ...,
    ) -> HandlerT: ...

    @overload
    def __call__(
        self,
        func: None = None,
        *,
        include_in_schema: bool = ...,
        description: str | None = ...,
        tags: Sequence[Any] | None = ...,
        unique_id: str | None = ...,
    ) -> Callable[[Callable[..., Any]], HandlerT]: ...

    def __call__(
        self,
        func: Callable[..., Any] | None = None,
        *,
        include_in_schema: bool = True,
        description: str | None = None,
        tags: Sequence[Any] | None = None,
        unique_id: str | None = None,
    ) -> Any:
        """Makes the endpoint.

        Args:
            func: the function, sync or async.
            include_in_schema: show it in the AsyncAPI document.
            description: text for the document; the docstring when not given.
            tags: tags for the document.
            unique_id: operation id for the document.

        Raises:
            SetupError: `func` cannot be called.
        """

        def make(function: Callable[..., Any]) -> HandlerT:
            return self.kind(
                function,
                include_in_schema=include_in_schema,
                description=description,
                tags=tags,
                unique_id=unique_id,
            )

        return make if func is None else make(func)

    def __repr__(self) -> str:
        return f"<HTTP verb {self.kind.methods[0]}>"


get = Verb(GetHandler)
post = Verb(PostHandler)
put = Verb(PutHandler)
patch = Verb(PatchHandler)
delete = Verb(DeleteHandler)
head = Verb(HeadHandler)
options = Verb(OptionsHandler)
