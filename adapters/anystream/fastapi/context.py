"""`Context` for handlers of a StreamRouter: a FastAPI dependency."""

# FastAPI evaluates annotations in this module: no `from __future__ import annotations` here.
import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from pydantic import TypeAdapter, ValidationError

from anystream.core.context import ContextRepo as _ContextRepo
from anystream.core.exceptions import ContextError, IncorrectState
from anystream.core.params import ContextField
from anystream.core.sentinel import EMPTY

__all__ = ("Context", "ContextRepo", "FromContext", "Logger")


class FromContext:
    """A dependency that looks a name up in the context of the message in hand.

    Args:
        field: what is looked up.
        annotation: the value is validated against it if the field says so.
    """

    def __init__(self, field: ContextField, annotation: Any = Any) -> None:
        self.field = field
        self.name = ".".join(field.parts)
        self._check: TypeAdapter[Any] | None = None
        if field.cast and annotation is not Any:
            self._check = TypeAdapter(annotation)

    def find(self, repo: _ContextRepo) -> Any:
        """The value.

        Raises:
            ContextError: there is none, and no default.
            RequestValidationError: it does not fit the annotation.
        """
        value = self.field.resolve(repo)
        if value is EMPTY:
            raise ContextError(repo.context, self.name)
        if self._check is None:
            return value
        try:
            return self._check.validate_python(value)
        except ValidationError as error:
            problems = [
                {**it, "loc": (*self.name.split(".")[1:], *it["loc"])} for it in error.errors()
            ]
            raise RequestValidationError(problems) from error

    async def __call__(self, connection: HTTPConnection) -> Any:
        repo = getattr(connection, "context", None)
        if not isinstance(repo, _ContextRepo):
            raise IncorrectState(
                f"Context({self.name!r}) belongs to message handlers; in an HTTP endpoint take "
                "`router.broker`, or `request.state.broker`"
            )
        return self.find(repo)

    def __repr__(self) -> str:
        return f"Context({self.name!r})"


def Context(name: str, *, default: Any = EMPTY, initial: Callable[[], Any] | None = None) -> Any:
    """Takes the argument of a message handler, or of a dependency, from the router's context.

    Args:
        name: dotted name: "message", "broker", "app" (the router), "logger", your own.
        default: used when the name is not there.
        initial: called without arguments when the name is not there; its result is stored.
    """
    field = ContextField(name, prefix="", cast=False, default=default, initial=initial)
    return Depends(FromContext(field), use_cache=False)


Logger = Annotated[logging.Logger, Context("logger")]
ContextRepo = Annotated[_ContextRepo, Context("context")]
