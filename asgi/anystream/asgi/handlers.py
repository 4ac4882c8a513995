"""HTTP endpoints: functions that answer a request, made ASGI callables by the verbs."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from fast_depends import dependency_provider
from fast_depends.pydantic import PydanticSerializer
from typing_extensions import Self

from anystream.asgi.endpoint import Answer, Reads
from anystream.asgi.handler_binding import BoundHandler
from anystream.asgi.refusals import PLAIN_TEXT, body_for, method_refusal, refuse_method
from anystream.asgi.request import ClientDisconnectError
from anystream.asgi.response import AsgiResponse, ResponseError
from anystream.asgi.types import ASGIApp, Receive, Scope, Send
from anystream.core.context import ContextRepo, current_frame
from anystream.core.exceptions import SetupError
from anystream.core.places import where
from anystream.core.sentinel import EMPTY

VALIDATING_LIBRARIES = frozenset({"fast_depends", "pydantic", "pydantic_core", "msgspec"})

standalone_logger = logging.getLogger("anystream.asgi")


class HttpHandler:
    """An HTTP endpoint, an ASGI callable; made by `get`, `post` and the other verbs.

    It answers at exactly the path it is given, in `AsgiFastStream` and in any framework that
    mounts ASGI callables. Attached to an application its arguments come from that application's
    context and dependencies, elsewhere from a context of its own.

    Args:
        func: the user's function, sync or async; returns an ASGI callable.
        include_in_schema: show it in the AsyncAPI document.
        description: text for the document; the docstring when not given.
        tags: tags for the document.
        unique_id: operation id for the document.

    Raises:
        SetupError: `func` cannot be called.
    """

    exact = True
    methods: tuple[str, ...] = ()
    reads: Reads = "body"

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        include_in_schema: bool = True,
        description: str | None = None,
        tags: Sequence[Any] | None = None,
        unique_id: str | None = None,
    ) -> None:
        if not callable(func):
            raise SetupError(
                f"an HTTP handler is a function, not {type(func).__name__}: write @get above a "
                "function, or @get(description=...)"
            )
        self.func = func
        self.include_in_schema = include_in_schema
        self.description = inspect.getdoc(func) if description is None else description
        self.tags = tags
        self.unique_id = unique_id
        self.logger: Any = standalone_logger
        self._method = self.methods[0] if self.methods else ""
        self._bound: BoundHandler | None = None
        self._attached = False

    def attached_to(self, stream: Any) -> Self:
        """A copy of the handler that gets its arguments from an application or a broker.

        Where the stream is not one of anystream's, or the handler is attached already, it is
        the handler itself.

        Args:
            stream: whose context, dependencies and logger are used.

        Raises:
            BindingError: an argument of the handler can never have a value.
        """
        config = getattr(stream, "config", stream)
        context = getattr(config, "context", None)
        if self._attached or not isinstance(context, ContextRepo):
            return self
        serializer = getattr(config, "serializer", EMPTY)
        twin = copy.copy(self)
        twin.logger = getattr(stream, "logger", self.logger)
        twin._attached = True
        twin._bound = BoundHandler(
            self.func,
            provider=getattr(config, "provider", dependency_provider),
            serializer=PydanticSerializer() if serializer is EMPTY else serializer,
            context=context,
            logger=twin.logger,
        )
        twin.reads = twin._bound.reads
        return twin

    def _stand_alone(self) -> BoundHandler:
        self._bound = BoundHandler(
            self.func,
            provider=dependency_provider,
            serializer=PydanticSerializer(),
            context=ContextRepo(),
            logger=self.logger,
        )
        self.reads = self._bound.reads
        return self._bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await refuse_method(self.methods, scope, receive, send)
        answer = self.response_to(scope, receive)
        response: Any = answer if isinstance(answer, AsgiResponse) else await answer
        if type(response) is AsgiResponse:
            await response.send_to(send, b"" if scope["method"] == "HEAD" else response.body)
        elif response is not None:
            await response(scope, receive, body_for(scope, send))

    def response_to(self, scope: Scope, receive: Receive) -> Answer:
        """The response to an HTTP request, or what to await for it.

        Args:
            scope: the scope, or as much of it as `reads` says.
            receive: the ASGI channel the body comes from.
        """
        method = scope["method"]
        if method != self._method and (method != "HEAD" or "HEAD" not in self.methods):
            return method_refusal(self.methods)
        return self._respond(scope, receive)

    async def _respond(self, scope: Scope, receive: Receive) -> ASGIApp | None:
        token = None
        try:
            bound = self._bound or self._stand_alone()
            if bound.needs_context:
                token = current_frame.set(bound.frame(scope, receive))
            response: ASGIApp = await bound.answer(scope)
            if not callable(response):
                raise self._no_response(response)
        except ClientDisconnectError:
            return None
        except Exception as error:
            return self._failed(error)
        finally:
            if token is not None:
                current_frame.reset(token)
        return response

    def _no_response(self, response: Any) -> ResponseError:
        return ResponseError(
            f"{where(self.func)} returned {type(response).__name__}: an HTTP handler returns "
            "AsgiResponse, JSONResponse(data) or another ASGI callable"
        )

    def _failed(self, error: Exception) -> AsgiResponse:
        if _is_refused_argument(error, self.func):
            response = AsgiResponse(b"Validation error", 422, PLAIN_TEXT)
        else:
            response = AsgiResponse(b"Internal Server Error", 500, PLAIN_TEXT)
        if self.logger is not None:
            # the wrapper's text has the whole scope in it, with cookies and credentials
            cause = getattr(error, "original_error", error)
            self.logger.log(
                logging.ERROR,
                f"HTTP handler {where(self.func)} answers {response.status_code}: "
                f"{type(cause).__name__}: {cause}",
                exc_info=cause,
            )
        return response

    def __repr__(self) -> str:
        return f"{type(self).__name__}({where(self.func)})"


def _is_refused_argument(error: Exception, func: Callable[..., Any]) -> bool:
    """Whether an error is a failed validation, and did not come out of the handler itself."""
    library = type(error).__module__.partition(".")[0]
    if type(error).__name__ != "ValidationError" or library not in VALIDATING_LIBRARIES:
        return False
    own_code = getattr(inspect.unwrap(func), "__code__", None)
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code is own_code:
            return False
        step = step.tb_next
    return True


class GetHandler(HttpHandler):
    """Answers GET, and HEAD without a body."""

    methods = ("GET", "HEAD")


class PostHandler(HttpHandler):
    """Answers POST, and HEAD without a body."""

    methods = ("POST", "HEAD")


class PutHandler(HttpHandler):
    """Answers PUT."""

    methods = ("PUT",)


class PatchHandler(HttpHandler):
    """Answers PATCH."""

    methods = ("PATCH",)


class DeleteHandler(HttpHandler):
    """Answers DELETE."""

    methods = ("DELETE",)


class HeadHandler(HttpHandler):
    """Answers HEAD with status and headers; the body of its response is left out."""

    methods = ("HEAD",)


class OptionsHandler(HttpHandler):
    """Answers OPTIONS."""

    methods = ("OPTIONS",)
