"""`anystream publish`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from inspect import signature
from typing import Any

from anystream.cli.errors import UsageError
from anystream.cli.importing import import_object
from anystream.cli.options import PUBLISH
from anystream.cli.parsing import Arguments, read_arguments


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
    try:
        options = typed_options(arguments, method)
        answer = asyncio.run(_publish(broker, method, _message(text), options))
    except Exception as error:
        print(f"Error when broker was publishing: {error!r}")
        return 1
    if values["rpc"]:
        print(answer)
    return 0


def typed_options(arguments: Arguments, method: Any) -> dict[str, Any]:
    """The options as the broker's method takes them: numbers, switches, and JSON for mappings."""
    known = signature(method).parameters
    typed = {}
    for name, value in arguments.extra.items():
        annotation = str(known[name].annotation) if name in known else ""
        typed[name] = _typed(value, "float" if name == "timeout" else annotation)
    return typed


def _typed(value: Any, annotation: str) -> Any:
    if not isinstance(value, str):
        return value
    kinds = {kind.strip() for kind in annotation.split("|")}
    if "bool" in kinds:
        return value.lower() not in ("", "0", "false", "no", "off")
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
