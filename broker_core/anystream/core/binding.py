"""From a decoded body to a handler's arguments: looked at once, run straight for each message.

FastDepends is the declaring side; its model of a call is walked here when a subscriber is
frozen, and becomes one coroutine function without introspection. What this form cannot express
(`*args`, aliases, overridden dependencies, foreign custom fields) goes to FastDepends' solver,
with the same results.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from fast_depends.core import CallModel, build_call_model
from fast_depends.dependencies import Dependant, Provider
from fast_depends.library.serializer import OptionItem, SerializerProto

from anystream.core.binding_source import Unsupported, compile_call, parameters_of
from anystream.core.casting import LazySerializer, LazySerializerFactory
from anystream.core.context import ContextRepo
from anystream.core.exceptions import BindingError, FastStreamException
from anystream.core.forward_names import settle_names
from anystream.core.params import NoCastField
from anystream.core.places import where
from anystream.core.plain_call import PlainCall, plain_call

Bound = Callable[[Any, Any], Awaitable[Any]]


class Binding:
    """A handler with everything that leads to its arguments.

    Args:
        call: the handler.
        context: where `Context` arguments come from.
        provider: FastDepends' dependencies and their overrides.
        serializer: validates arguments and results; None for no validation.
        dependencies: run before the handler, outermost first; their results are dropped.
        inject: False leaves every marker as it is and only unpacks the body.

    Raises:
        BindingError: the signature cannot be understood.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        *,
        context: ContextRepo,
        provider: Provider,
        serializer: SerializerProto | None,
        dependencies: Iterable[Dependant] = (),
        inject: bool = True,
    ) -> None:
        self.call = call
        self.context = context
        self.provider = provider
        self.inject = inject
        self._serializer = serializer if inject else None
        self._dependencies = tuple(dependencies)
        self.model: CallModel | PlainCall = self._read()
        self.params: list[OptionItem] = _flat(self.model, inject)
        self._reason = ""
        self.run_json: Bound | None = None
        self.run: Bound = self._freeze()

    def _read(self) -> CallModel | PlainCall:
        plain = None
        if not self._dependencies:
            plain = plain_call(self.call, self.provider, self._serializer)
        return plain or self._whole_model()

    def _whole_model(self) -> CallModel:
        return _model(self.call, self.provider, self._serializer, self._dependencies)

    def _freeze(self) -> Bound:
        try:
            compiled = compile_call(self)
        except Unsupported as reason:
            self._reason = str(reason)
            self._make_whole()
            return self.solve
        self.run_json = compiled.run_json
        return compiled.run

    def _make_whole(self) -> None:
        """Makes what validates the arguments: what cannot be made would fail at each message."""
        if not self.inject:
            return
        if isinstance(self.model, PlainCall):
            self.model = self._whole_model()
        try:
            for each in _with_dependencies(self.model):
                if isinstance(each.serializer, LazySerializer):
                    each.serializer.made  # noqa: B018
        except Exception as error:
            raise _unbound(self.call, error) from error

    @property
    def lines(self) -> list[str]:
        """What is done, line by line; written anew for each who asks, because few do."""
        if self._reason:
            return [f"solve arguments with FastDepends ({self._reason})"]
        return compile_call(self).lines

    async def solve(self, body: Any, message: Any) -> Any:
        """Calls the handler through FastDepends' own solver."""
        model = self.model
        if isinstance(model, PlainCall):
            model = self.model = self._whole_model()
        params = _flat(model, self.inject, original=False)
        args, kwargs = spread(body, params)
        if not self.inject:
            return await call_plain(self.call, args, kwargs)
        if args and all(param.kind is not param.kind.VAR_POSITIONAL for param in params):
            names = (param.field_name for param in params)
            args, kwargs = (), dict(zip(names, args, strict=False))
        if len(params) > 1:
            reserved = _reserved(model) - {param.field_name for param in params}
            kwargs = {name: value for name, value in kwargs.items() if name not in reserved}
        async with AsyncExitStack() as stack:
            return await model.asolve(
                *args,
                stack=stack,
                cache_dependencies={},
                nested=False,
                **kwargs,
                context__=self.context,  # type: ignore[arg-type]
            )


def body_params(
    call: Callable[..., Any],
    *,
    provider: Provider,
    serializer: SerializerProto | None,
    dependencies: Iterable[Dependant] = (),
    inject: bool = True,
) -> list[OptionItem]:
    """What a handler and its dependencies take from a body, without freezing anything.

    Args:
        call: the handler.
        provider: FastDepends' dependencies; those of the handler are added to it.
        serializer: validates arguments; None for no validation.
        dependencies: run before the handler.
        inject: False takes every parameter for one of the body.

    Raises:
        BindingError: the signature cannot be understood.
    """
    model = _model(call, provider, serializer if inject else None, tuple(dependencies))
    return _flat(model, inject)


def _model(
    call: Callable[..., Any],
    provider: Provider,
    serializer: SerializerProto | None,
    dependencies: Sequence[Dependant],
) -> CallModel:
    for function in (call, *(item.dependency for item in dependencies)):
        settle_names(function)
    try:
        return build_call_model(
            call,
            dependency_provider=provider,
            is_sync=False,  # a plain function is called in a thread, what it depends on is awaited
            extra_dependencies=dependencies,
            serializer_cls=LazySerializerFactory(serializer) if serializer else None,
        )
    except FastStreamException:
        raise
    except Exception as error:
        raise _unbound(call, error) from error


def _unbound(call: Callable[..., Any], error: Exception) -> BindingError:
    return BindingError(
        f"the arguments of {where(call)} cannot be bound: {type(error).__name__}: {error}. "
        "Check its annotations and its Depends and Context markers"
    )


def _with_dependencies(model: CallModel) -> Iterator[CallModel]:
    yield model
    for key in (*model.dependencies.values(), *model.extra_dependencies):
        yield from _with_dependencies(model.dependency_provider.dependencies[key])


def _flat(model: CallModel | PlainCall, inject: bool, *, original: bool = True) -> list[OptionItem]:
    """The plain parameters of a call and of all it depends on, each name once."""
    if isinstance(model, PlainCall):
        return list(model.params)
    own = {param.field_name: param for param in model.params}
    for name, field in model.custom_fields.items():
        if isinstance(field, NoCastField):
            own[name] = OptionItem(name, Any)
    found = {name: own[name] for name in parameters_of(model.call) if name in own}
    if inject:
        known = model.dependency_provider
        for key in (*model.dependencies.values(), *model.extra_dependencies):
            dependency = known.dependencies[key] if original else known.get_dependant(key)
            for param in _flat(dependency, inject, original=original):
                found.setdefault(param.field_name, param)
    return list(found.values())


_SOLVER_NAMES = frozenset(
    ("stack", "cache_dependencies", "nested", "dependency_provider", "context__")
)


def _reserved(model: CallModel) -> set[str]:
    """Names that a body must not fill: markers, here and in dependencies, and FastDepends' own."""
    found = {*_SOLVER_NAMES, *model.dependencies, *model.custom_fields}
    for key in (*model.dependencies.values(), *model.extra_dependencies):
        found |= _reserved(model.dependency_provider.get_dependant(key))
    return found


def spread(body: Any, params: Sequence[OptionItem]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Turns a body into positional and keyword arguments.

    No parameter drops the body, one takes all of it; several take a mapping by name or a
    sequence by position.

    Raises:
        ValueError: the body is neither, and there are several parameters.
    """
    if not params:
        return (), {}
    if len(params) == 1 and params[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        return (), {params[0].field_name: body}
    if isinstance(body, Mapping):
        return (), dict(body)
    if isinstance(body, Sequence):
        return tuple(body), {}
    if len(params) == 1:
        return (body,), {}
    raise ValueError(f"Couldn't unpack `{body}` to multiple values.")


async def call_plain(call: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Calls a function as it is; keywords that it does not take are dropped."""
    signature = inspect.signature(call)
    takes_all = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    if not takes_all:
        kwargs = {name: value for name, value in kwargs.items() if name in signature.parameters}
    result = call(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result
