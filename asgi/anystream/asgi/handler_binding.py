"""From an HTTP request to a handler's arguments: looked at once, when the handler is attached."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

from fast_depends.core import CallModel
from fast_depends.dependencies import Dependant, Provider
from fast_depends.library import CustomField
from fast_depends.library.serializer import SerializerProto
from fast_depends.utils import get_typed_signature

from anystream.asgi.endpoint import Reads
from anystream.asgi.request_frame import RequestFrame
from anystream.asgi.types import Receive, Scope
from anystream.core.binding import Binding
from anystream.core.context import ContextRepo, Frame, current_frame
from anystream.core.exceptions import BindingError
from anystream.core.params import ContextField
from anystream.core.places import where
from anystream.core.plain_call import PlainCall
from anystream.core.sentinel import EMPTY


class BoundHandler:
    """A handler with all that leads to its arguments.

    Args:
        call: the handler; its first argument without a marker receives the scope.
        provider: FastDepends' dependencies and their overrides.
        serializer: validates arguments; None for no validation.
        context: where `Context` arguments come from.
        logger: what `Context("logger")` is.

    Raises:
        BindingError: an argument can never have a value.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        *,
        provider: Provider,
        serializer: SerializerProto | None,
        context: ContextRepo,
        logger: Any,
    ) -> None:
        binding = Binding(
            _unchecked(call), context=context, provider=provider, serializer=serializer
        )
        _refuse_message_fields(call, binding.model)
        # a handler of nothing but the scope is spared the context: it is half of what it costs
        self.needs_context = _is_injected(binding.model)
        self.answer = _answer(call, binding, self.needs_context)
        self.reads: Reads = "scope" if binding.params else "method"
        if self.needs_context:
            self.reads = "body"
        self.context = context
        self.logger = logger
        self._link = Frame(context, "logger", logger, None)

    def frame(self, scope: Scope, receive: Receive) -> RequestFrame:
        """The context's link for one request; `answer(scope)` has to be awaited inside it."""
        outer = current_frame.get()
        if outer is None:
            return RequestFrame(self.context, scope, receive, self._link)
        link = Frame(self.context, "logger", self.logger, outer)
        return RequestFrame(self.context, scope, receive, link)


def _is_injected(model: CallModel | PlainCall) -> bool:
    return bool(model.custom_fields or model.dependencies or model.extra_dependencies)


def _answer(
    call: Callable[..., Any], binding: Binding, injected: bool
) -> Callable[[Scope], Awaitable[Any]]:
    """Calls the handler with the scope, and with whatever else it asks for."""
    run, takers = binding.run, _scope_takers(call, binding)
    if inspect.iscoroutinefunction(call) and not injected:
        if not binding.params:
            return lambda scope: call()
        if _takes_one_by_position(call):
            return call
    if len(binding.params) < 2:
        return lambda scope: run(scope, EMPTY)
    return lambda scope: run(dict.fromkeys(takers, scope), EMPTY)


def _unchecked(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function to a reader of signatures that may validate neither scope nor result."""
    signature, _ = get_typed_signature(call)
    params = list(signature.parameters.values())
    plain = [param for param in params if not _is_marked(param)]
    for index, param in enumerate(params):
        if param in plain[:1] or (param in plain and param.name == "scope"):
            params[index] = param.replace(annotation=Any)
    twin = _twin(call)
    twin.__signature__ = inspect.Signature(params)  # type: ignore[attr-defined]
    return twin


def _twin(call: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(call, types.FunctionType):
        twin = types.FunctionType(
            call.__code__, call.__globals__, call.__name__, call.__defaults__, call.__closure__
        )
        return functools.update_wrapper(twin, call, updated=())
    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004
    ):

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await call(*args, **kwargs)

        return functools.update_wrapper(awaited, call, updated=())

    def called(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return functools.update_wrapper(called, call, updated=())


def _is_marked(param: inspect.Parameter) -> bool:
    markers = (Dependant, CustomField)
    if isinstance(param.default, markers):
        return True
    if get_origin(param.annotation) is not Annotated:
        return False
    return any(isinstance(extra, markers) for extra in get_args(param.annotation)[1:])


def _takes_one_by_position(call: Callable[..., Any]) -> bool:
    params = list(inspect.signature(call).parameters.values())
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len(params) == 1 and params[0].kind in by_position


def _scope_takers(call: Callable[..., Any], binding: Binding) -> list[str]:
    """The arguments that receive the scope: the first without a marker, and any `scope`."""
    names = [param.field_name for param in binding.params]
    takers = [name for name in names if name == names[0] or name == "scope"]
    for param in binding.params:
        if param.field_name not in takers and param.default_value is Ellipsis:
            raise BindingError(
                f"the argument `{param.field_name}` of the HTTP handler {where(call)} has no "
                f"value: `{names[0]}` takes the scope; give the other arguments a default, or "
                "Query(), Header(), Context() or Depends()"
            )
    return takers


def _refuse_message_fields(call: Callable[..., Any], model: CallModel | PlainCall) -> None:
    for field in _fields(model):
        if isinstance(field, ContextField) and field.parts[0] == "message":
            name = field.parts[1] if len(field.parts) > 1 else "message"
            raise BindingError(
                f"the argument `{field.param_name}` of the HTTP handler {where(call)} comes from "
                f"a broker's message (`{name}`), and there is none in an HTTP request: use "
                "Header or Query of anystream.asgi"
            )


def _fields(model: CallModel | PlainCall) -> Iterator[CustomField]:
    yield from model.custom_fields.values()
    for key in (*model.dependencies.values(), *model.extra_dependencies):
        yield from _fields(model.dependency_provider.dependencies[key])
