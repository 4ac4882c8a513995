"""How an adapter under test is described."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from anystream.conformance.user_code import UserCode


class AppClient(Protocol):
    """What a host's test client must offer."""

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        ...


@dataclass(frozen=True)
class Host:
    """An adapter, the framework it is for, and the servers to try it on.

    Args:
        name: the name in the table.
        make_app: returns the framework's application with the user's part in it, and without the
            adapter. What that part is, `UserCode` says.
        setup: the adapter's `setup(app, stream, **options)`.
        servers: names of servers, see `anystream.conformance.servers`.
        test_client: makes an async context manager around the framework's own test client, which
            runs the application's start and stop; None where the framework has none.
        closed: behaviours that the framework makes impossible, with the reason. A clause that
            needs a closed behaviour must break; one that holds is reported as an error.
        absent: behaviours for which the framework has nothing to try, with the reason. Clauses
            that need one are not tried.
    """

    name: str
    make_app: Callable[[UserCode], Any]
    setup: Callable[..., Any]
    servers: tuple[str, ...]
    test_client: Callable[[Any], AbstractAsyncContextManager[AppClient]] | None = None
    closed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def load_host(spec: str) -> Host:
    """Imports the Host at `module:attribute`; ValueError or ImportError say what is wrong."""
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        raise ValueError(f"{spec!r} is not of the form module:attribute")
    try:
        host = getattr(importlib.import_module(module_name), attribute)
    except AttributeError as error:
        raise ValueError(
            f"module {module_name!r} has no {attribute!r} (asked by {spec!r})"
        ) from error
    if not isinstance(host, Host):
        raise ValueError(f"{spec!r} is a {type(host).__name__}, where a conformance Host is wanted")
    return host
