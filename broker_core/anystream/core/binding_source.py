"""Writes the straight-line coroutine function that calls a handler.

Handlers of the same shape share one code object: the source holds no names of theirs, the
objects come in as closure variables.
"""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args

from anyio import to_thread
from fast_depends.core import CallModel

from anystream.core.binding_parts import MISSING, make_look, make_unpack, recover, threaded
from anystream.core.casting import LazySerializer, has_alias
from anystream.core.json_reading import make_json_run
from anystream.core.params import ContextField, NoCastField
from anystream.core.places import call_name
from anystream.core.plain_call import PlainCall
from anystream.core.response import Response
from anystream.core.sentinel import EMPTY

if TYPE_CHECKING:
    from anystream.core.binding import Binding

Make = Callable[..., Callable[[Any, Any], Any]]

_makers: dict[str, Make] = {}
_MODULES = re.compile(r"(?:\w+\.|<locals>\.)+(?=\w)")


@lru_cache(maxsize=8)
def _parameters(call: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(call).parameters


def parameters_of(call: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a function; kept for a moment, because one freeze asks several times."""
    try:
        return _parameters(call)
    except TypeError:  # a callable without a hash
        return inspect.signature(call).parameters


def _parameters_of_model(model: CallModel | PlainCall) -> Mapping[str, Any]:
    if isinstance(model, PlainCall):
        return {param.field_name: param for param in model.params}
    return parameters_of(model.call)


class Unsupported(Exception):
    """This shape of call is left to FastDepends' solver."""


class Compiled:
    """The function and what it does, line by line."""

    def __init__(
        self,
        run: Callable[[Any, Any], Any],
        lines: list[str],
        run_json: Callable[[Any, Any], Any] | None,
    ) -> None:
        self.run = run
        self.lines = lines
        self.run_json = run_json


def compile_call(binding: Binding) -> Compiled:
    """Makes the coroutine function `run(body, message)` of a binding, and `run_json`, which takes
    the bytes of a JSON body, if there is a shorter way from them to the argument.

    Raises:
        Unsupported: FastDepends' solver has to do it.
    """
    writer = _Writer(binding)
    writer.unpack()
    result = writer.call(binding.model, top=True)
    writer.emit(f"return {result}")
    model = binding.model
    run_json = make_json_run(model) if isinstance(model, PlainCall) else None
    return Compiled(writer.build(), writer.lines, run_json)


class _Writer:
    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.body: list[str] = []
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.raw: dict[str, str] = {}
        self.done: dict[Any, str] = {}
        self.keys: set[Any] = set()
        self.needs_stack = False
        self.count = 0

    def emit(self, line: str, depth: int = 0) -> None:
        self.body.append("    " * depth + line)

    def new(self, letter: str, value: Any = MISSING) -> str:
        self.count += 1
        name = f"{letter}{self.count}"
        if value is not MISSING:
            self.names[name] = value
        return name

    def unpack(self) -> None:
        params = self.binding.params
        for param in params:
            if param.kind in (param.kind.VAR_POSITIONAL, param.kind.VAR_KEYWORD):
                raise Unsupported(f"`{param.field_name}` takes any number of arguments")
            if has_alias(param):
                raise Unsupported(f"`{param.field_name}` has a field definition")
        if not params:
            return
        if len(params) == 1:
            self.raw[params[0].field_name] = "body"
            return
        names = [param.field_name for param in params]
        for name in names:
            self.raw[name] = self.new("r")
        targets = ", ".join(self.raw[name] for name in names)
        unpack = self.new("unpack", make_unpack(names))
        self.emit("if type(body) is dict:")
        self.emit("get = body.get", 1)
        for name in names:
            self.emit(f"{self.raw[name]} = get({self.new('k', name)}, MISSING)", 1)
        self.emit("else:")
        self.emit(f"{targets} = {unpack}(body)", 1)
        self.lines.append(f"unpack the body to {', '.join(names)}")

    def call(self, model: CallModel | PlainCall, *, top: bool = False) -> str:
        """Writes the call of a model with all it depends on; returns the result's name."""
        if model.args_name or model.kwargs_name:
            raise Unsupported(f"`{call_name(model.call)}` takes any number of arguments")
        if not top and model.use_cache and model.call in self.done:
            return self.done[model.call]
        if self.binding.inject:
            for key in model.extra_dependencies:
                self.dependency(key)
        values = {name: self.dependency(key) for name, key in self._dependencies(model).items()}
        for name, field in self._fields(model).items():
            values[name] = self.field(field)
        for param in model.params:
            values[param.field_name] = self.raw[param.field_name]
        arguments = self.cast(model, values)
        result = self.invoke(model, arguments, top)
        self.done[model.call] = result
        return result

    def _dependencies(self, model: CallModel | PlainCall) -> Mapping[str, Any]:
        return model.dependencies if self.binding.inject else {}

    def _fields(self, model: CallModel | PlainCall) -> Mapping[str, Any]:
        return model.custom_fields if self.binding.inject else {}

    def dependency(self, key: Any) -> str:
        self.keys.add(key)
        return self.call(self.binding.provider.dependencies[key])

    def field(self, field: Any) -> str:
        if isinstance(field, NoCastField):
            name = field.param_name or ""
            if name not in self.raw:
                raise Unsupported(f"`{name}` is not a plain parameter")
            return self.raw[name]
        if not isinstance(field, ContextField):
            raise Unsupported(f"`{field.param_name}` is a {type(field).__name__}")
        first, *rest = field.parts
        target = self.new("c")
        marker = self.new("f", field)
        label = f"{field.param_name} = context.{'.'.join(field.parts)}"
        if field.parts == ["message"]:
            self.emit(f"{target} = message")
        elif field.parts == ["context"]:
            self.emit(f"{target} = repo")
        elif first == "message" and rest[:1] in (["headers"], ["path"]) and len(rest) == 2:
            self.emit(f"{target} = message.{rest[0]}.get({self.new('k', rest[1])}, MISSING)")
            self.emit(f"if {target} is MISSING: {target} = {marker}.fallback(repo)")
        else:
            look = self.new("look", make_look(field))
            self.emit(f"{target} = {look}(repo)")
        self.lines.append(label)
        return target

    def cast(self, model: CallModel | PlainCall, values: dict[str, str]) -> dict[str, str]:
        """Writes the validation of a call's arguments; returns their final names."""
        serializer = model.serializer if isinstance(model.serializer, LazySerializer) else None
        options = serializer.options if serializer else {p.field_name: p for p in model.params}
        final: dict[str, str] = {}
        steps: list[str] = []
        for name, raw in values.items():
            option = options.get(name)
            optional = len(self.binding.params) > 1 and raw.startswith("r")
            target = self.new("a")
            final[name] = target
            check = _cast_of(serializer, option) if serializer and option else None
            value = f"{self.new('cast', check)}({raw})" if check else raw
            if check:
                self.lines.append(f"validate {name}: {_show(option)}")
            needs_check = optional or raw.startswith("c")
            if needs_check and option is not None and option.default_value is not Ellipsis:
                default = self.new("default", option.default_value)
                absent = f"{raw} is EMPTY" if raw.startswith("c") else f"{raw} is MISSING"
                value = f"{default} if {absent} else {value}"
            elif needs_check:
                steps.append(f"if {raw} is MISSING or {raw} is EMPTY: raise Missing")
            steps.append(f"{target} = {value}")
        if not any(("(" in step or "raise" in step) for step in steps):
            for step in steps:
                self.emit(step)
            return final
        self.emit("try:")
        for step in steps:
            self.emit(step, 1)
        asked, names = self.new("model", model), self.new("names", tuple(values))
        self.emit("except Exception:")
        targets = ", ".join(final[name] for name in values)
        self.emit(f"{targets}, = recover({asked}, {names}, ({', '.join(values.values())},))", 1)
        return final

    def invoke(self, model: CallModel | PlainCall, arguments: dict[str, str], top: bool) -> str:
        call = self.new("call", model.call)
        written = self._arguments(model, arguments)
        result = self.new("v")
        name = call_name(model.call)
        if model.is_generator:
            if top:
                raise Unsupported(f"`{name}` is a generator")
            self.generator(model, call, written, result)
            return result
        if model.is_async:
            self.emit(f"{result} = await {call}({written})")
            self.lines.append(f"await {name}")
        else:
            self.emit(f"{result} = await in_thread(lambda: {call}({written}))")
            self.lines.append(f"{name} in a thread")
        serializer = model.serializer
        cast = serializer.result_cast() if isinstance(serializer, LazySerializer) else None
        if cast is not None and isinstance(serializer, LazySerializer):
            check = self.new("cast", cast)
            skip = f" or {result} is None" if serializer.response_type is None else ""
            self.emit(
                f"if not (isinstance({result}, Response){skip}): {result} = {check}({result})"
            )
            self.lines.append(f"validate what {name} returns: {_show(serializer.response_type)}")
        return result

    def generator(self, model: CallModel | PlainCall, call: str, written: str, result: str) -> None:
        self.needs_stack = True
        name = call_name(model.call)
        if model.is_async:
            enter = self.new("enter", asynccontextmanager(model.call))
            self.emit(f"{result} = await stack.enter_async_context({enter}({written}))")
        else:
            enter = self.new("enter", contextmanager(model.call))
            self.emit(f"{result} = await stack.enter_async_context(threaded({enter}({written})))")
        self.lines.append(f"enter {name}, leave it after the handler")

    def _arguments(self, model: CallModel | PlainCall, arguments: dict[str, str]) -> str:
        parts = []
        positional = True
        for name, param in _parameters_of_model(model).items():
            if name not in arguments:
                positional = False
            elif param.kind is inspect.Parameter.KEYWORD_ONLY or not positional:
                # keyword names stand in the source: handlers with them share less code
                parts.append(f"{name}={arguments[name]}")
            else:
                parts.append(arguments[name])
        return ", ".join(parts)

    def build(self) -> Callable[[Any, Any], Any]:
        lines = list(self.body)
        if self.needs_stack:
            lines = ["async with AsyncExitStack() as stack:", *("    " + line for line in lines)]
        if self.keys:
            self.names["keys"] = frozenset(self.keys)
            guard = "if provider.overrides and not keys.isdisjoint(provider.overrides): "
            lines = [guard + "return await solve(body, message)", *lines]
        names = sorted(self.names)
        binds = "".join(f"    {name} = names[{name!r}]\n" for name in names)
        inner = "".join(f"        {line}\n" for line in lines)
        source = (
            f"def make(names, provider, solve, repo):\n{binds}"
            f"    async def run(body, message):\n{inner}"
            "    return run\n"
        )
        make = _make(source)
        binding = self.binding
        run: Callable[[Any, Any], Any] = make(
            self.names, binding.provider, binding.solve, binding.context
        )
        return run


def _make(source: str) -> Make:
    if source in _makers:
        return _makers[source]
    file = f"<anystream binding {len(_makers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    scope: dict[str, Any] = {
        "MISSING": MISSING,
        "EMPTY": EMPTY,
        "Missing": LookupError("an argument is missing"),
        "Response": Response,
        "AsyncExitStack": AsyncExitStack,
        "in_thread": to_thread.run_sync,
        "recover": recover,
        "threaded": threaded,
    }
    exec(compile(source, file, "exec"), scope)
    _makers[source] = scope["make"]
    return _makers[source]


def _cast_of(serializer: LazySerializer, option: Any) -> Any:
    if has_alias(option):
        raise Unsupported(f"`{option.field_name}` has a field definition")
    try:
        return serializer.cast_for(option)
    except LookupError:
        raise Unsupported(f"the serializer is a {type(serializer.real).__name__}") from None
    except Exception as error:
        raise Unsupported(f"`{option.field_name}` validates as a whole: {error}") from None


def _show(option: Any) -> str:
    annotation = getattr(option, "field_type", option)
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return _MODULES.sub("", str(annotation))
