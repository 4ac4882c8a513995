"""Runs an ASGI application on uvicorn, in this process."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any

from anystream.asgi.listening import Listeners, number, one_value, port_number
from anystream.core.exceptions import SetupError
from anystream.core.option_texts import PLAIN, is_on, kinds_of

__all__ = ("Listeners", "make_server")


def make_server(
    app: Any,
    log_level: int,
    options: Mapping[str, Any],
    *,
    on_signal: Callable[[], object] | None = None,
) -> Any:
    """Makes a uvicorn server.

    Args:
        app: the ASGI application.
        log_level: the level of uvicorn's own lines.
        options: those with the name of a uvicorn option are given to it, others are left out;
            numbers and switches may be strings, as they come from a command line.
        on_signal: called when a signal told the server to end, which waits for a start; None leaves
            the signals to somebody else.

    Raises:
        ImportError: uvicorn is not installed.
        SetupError: an option has a value that cannot be.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise ImportError(
            'running an AsgiFastStream needs uvicorn: pip install "anystream[asgi]", or run the '
            "application by another ASGI server"
        ) from error

    class Server(uvicorn.Server):
        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return super().capture_signals() if on_signal else nullcontext()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            if on_signal:
                on_signal()

        async def startup(self, sockets: Any = None) -> None:
            try:
                await super().startup(sockets=sockets)
            except SystemExit:
                # 3 when the address cannot be had, which has been logged: 1 as every failed start
                raise SystemExit(1) from None
            if sockets and self.started:  # uvicorn is silent about those
                names = ", ".join(str(opened.getsockname()) for opened in sockets)
                text = "Uvicorn running on %s (Press CTRL+C to quit)"
                logging.getLogger("uvicorn.error").info(text, names)

    known = inspect.signature(uvicorn.Config).parameters
    chosen = {
        name: _typed(name, value, str(known[name].annotation))
        for name, value in options.items()
        if name in known and name != "app"
    }
    chosen.setdefault("log_level", log_level)
    return Server(uvicorn.Config(app, **chosen))


def _typed(name: str, value: Any, annotation: str) -> Any:
    """A text as uvicorn's annotation wants it."""
    kinds = kinds_of(annotation)
    if name == "port":
        return port_number(name, value)
    if not isinstance(value, str):
        return one_value(name, value) if kinds <= PLAIN else value
    if "bool" in kinds:
        return is_on(value)
    if "str" in kinds:
        return value
    if "int" in kinds:
        return number(name, value)
    if "float" in kinds:
        try:
            return float(value)
        except ValueError:
            raise SetupError(f"{name}={value!r}: pass a number of seconds") from None
    return value
