"""`anystream publish`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from inspect import Parameter, signature
from typing import Any

from anystream.cli.errors import UsageError
from anystream.cli.importing import import_object
from anystream.cli.options import PUBLISH
from anystream.cli.parsing import Arguments, read_arguments
from anystream.core.option_texts import PLAIN, is_on, kinds_of


def publish_command(words: Sequence[str]) -> int:
    """Publishes a message by the application's first broker, which is connected, not started.

    Args:
        words: the arguments as they were typed.

    Returns:
        The exit code.

    Raises:
        UsageError: the arguments cannot be.
    """
    arguments = read_arguments(words, PUBLISH, many=False)
    if len(arguments.positional) != 2:
        given = ", ".join(arguments.positional) or "none"
        raise UsageError(f"give an application and a message, given: {given}")
    name, text = arguments.positional
    values = arguments.values
    app = import_object(name, app_dir=values["app_dir"], factory=values["factory"])
    broker = getattr(app, "broker", None) or (app if hasattr(app, "publish") else None)
    if broker is None:
        print("Publish error: Broker instance not found in the app.")
        return 1
    method = broker.request if values["rpc"] else broker.publish
    options = typed_options(arguments, method)
    try:
        answer = asyncio.run(_publish(broker, method, _message(text), options))
    except Exception as error:
        print(f"Error when broker was publishing: {error!r}")
        return 1
    if values["rpc"]:
        print(answer)
    return 0


def typed_options(arguments: Arguments, method: Any) -> dict[str, Any]:
    """The options as the broker's method takes them: numbers, switches, and JSON for mappings.

    Raises:
        UsageError: a value is missing or of the wrong kind.
    """
    known = _annotations(method)
    typed = {}
    for name, value in arguments.extra.items():
        annotation = "float" if name == "timeout" else known.get(name, "")
        try:
            typed[name] = _typed(value, annotation)
        except ValueError as error:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag}={value!r} must be {annotation}: {error}") from error
    return typed


def _annotations(method: Any) -> dict[str, str]:
    """The annotations of a method's parameters, those of `**options: Unpack[...]` included."""
    found: dict[str, str] = {}
    for name, parameter in signature(method).parameters.items():
        if parameter.kind is Parameter.VAR_KEYWORD:
            function = getattr(method, "__func__", method)
            options = re.sub(r"^.*Unpack\[|\]$", "", str(parameter.annotation))
            keys = getattr(function.__globals__.get(options), "__annotations__", {})
            found |= {key: getattr(it, "__forward_arg__", str(it)) for key, it in keys.items()}
        else:
            found[name] = str(parameter.annotation)
    return found


def _typed(value: Any, annotation: str) -> Any:
    kinds = kinds_of(annotation)
    if not isinstance(value, str):
        if kinds <= PLAIN:
            raise ValueError("pass one value")
        return value
    if "bool" in kinds:
        return is_on(value)
    if "float" in kinds:
        return float(value)
    if "int" in kinds:
        return int(value)
    mapping = any(kind.startswith(("dict", "Mapping")) for kind in kinds)
    return json.loads(value) if mapping else value


def _message(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


async def _publish(broker: Any, method: Any, message: Any, options: dict[str, Any]) -> Any:
    try:
        await broker.connect()
        return await method(message, **options)
    finally:
        await broker.stop()
