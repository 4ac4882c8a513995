"""Markers that say where an argument comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fast_depends import Depends
from fast_depends.library import CustomField

from anystream.core.context import ContextRepo, walk
from anystream.core.exceptions import SetupError
from anystream.core.sentinel import EMPTY

__all__ = ("Context", "ContextField", "Depends", "Header", "NoCast", "NoCastField", "Path")

T = TypeVar("T")


class ContextField(CustomField):
    """Takes an argument from the context; made by `Context`, `Header` and `Path`."""

    def __init__(
        self,
        real_name: str,
        *,
        prefix: str,
        cast: bool,
        default: Any,
        initial: Callable[[], Any] | None,
    ) -> None:
        super().__init__(cast=cast, required=default is EMPTY)
        self.name = real_name
        self.prefix = prefix
        self.default = default
        self.initial = initial

    @property
    def parts(self) -> list[str]:
        """The dotted name, split."""
        name = self.name or self.param_name or ""
        # a header's or a path value's name is one key, dots and all
        return [*self.prefix.split("."), name] if self.prefix else name.split(".")

    def __deepcopy__(self, memo: Any) -> ContextField:
        # FastDepends copies what stands in `Annotated`; the default must stay the same object
        twin = ContextField(
            self.name,
            prefix=self.prefix,
            cast=self.cast,
            default=self.default,
            initial=self.initial,
        )
        twin.param_name = self.param_name
        return twin

    def resolve(self, repo: ContextRepo) -> Any:
        """The value, the default, or `EMPTY` when there is neither."""
        first, *rest = self.parts
        value = repo.find(first)
        if value is not EMPTY:
            try:
                value = walk(value, rest)
            except (KeyError, AttributeError):
                value = EMPTY
        return self.fallback(repo) if value is EMPTY else value

    def fallback(self, repo: ContextRepo) -> Any:
        """What stands in for an absent value; `initial()` is stored globally."""
        if self.default is not EMPTY:
            return self.default
        if self.initial is not None:
            value = self.initial()
            repo.set_global(".".join(self.parts), value)
            return value
        return EMPTY

    def use(self, /, **kwargs: Any) -> dict[str, Any]:
        """Called by FastDepends' own solver."""
        repo = kwargs.get("context__")
        if not isinstance(repo, ContextRepo):
            raise SetupError(
                f"the argument `{self.param_name}` comes from the context, but there is none: "
                "use it in a handler or a hook, or pass `context__=repo` to `apply_types`"
            )
        value = self.resolve(repo)
        if value is not EMPTY and self.param_name:
            kwargs[self.param_name] = value
        return kwargs


def Context(
    real_name: str = "",
    *,
    cast: bool = False,
    default: Any = EMPTY,
    initial: Callable[[], Any] | None = None,
) -> Any:
    """Takes the argument from the context.

    Args:
        real_name: dotted name in the context; the argument's own name when empty.
        cast: validate the value against the argument's annotation.
        default: used when the name is not there.
        initial: called without arguments when the name is not there; its result is stored
            globally under that name.
    """
    return ContextField(real_name, prefix="", cast=cast, default=default, initial=initial)


def Header(real_name: str = "", *, cast: bool = True, default: Any = EMPTY) -> Any:
    """Takes the argument from the message's headers.

    Args:
        real_name: name of the header; the argument's own name when empty.
        cast: validate the value against the argument's annotation.
        default: used when the message has no such header.
    """
    return ContextField(
        real_name, prefix="message.headers", cast=cast, default=default, initial=None
    )


def Path(real_name: str = "", *, cast: bool = True, default: Any = EMPTY) -> Any:
    """Takes the argument from the `{name}` parts of the message's address.

    Args:
        real_name: name of the part; the argument's own name when empty.
        cast: validate the value against the argument's annotation.
        default: used when the address captured no such part.
    """
    return ContextField(real_name, prefix="message.path", cast=cast, default=default, initial=None)


class NoCastField(CustomField):
    """Leaves an argument as it came."""

    def __init__(self) -> None:
        super().__init__(cast=False)

    def use(self, /, **kwargs: Any) -> dict[str, Any]:
        return kwargs


NoCast = Annotated[T, NoCastField()]
"""`NoCast[T]`: the argument is passed as it was decoded, without validation against `T`."""
