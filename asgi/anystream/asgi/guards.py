"""Who may see the document: a function that looks at each request before it is answered."""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from anystream.asgi.refusals import PLAIN_TEXT
from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import ASGIApp, Scope
from anystream.core.exceptions import SetupError

Verdict: TypeAlias = "ASGIApp | bool | None"
Guard: TypeAlias = Callable[[Scope], "Awaitable[Verdict] | Verdict"]
"""Takes the ASGI scope. None or True lets the request pass, False is a 403, and anything that is
an ASGI callable, such as `AsgiResponse(b"", 401)`, is the answer."""


async def verdict(guard: Guard | None, scope: Scope) -> ASGIApp | None:
    """The answer of a guard to a request that it does not let pass.

    Raises:
        TypeError: the guard returned something else.
    """
    if guard is None:
        return None
    found: Any = guard(scope)
    if inspect.isawaitable(found):
        found = await found
    if found is None or found is True:
        return None
    if found is False:
        return AsgiResponse(b"Forbidden", 403, PLAIN_TEXT)
    if not hasattr(found, "__call__"):  # noqa: B004 - keeps the type
        raise TypeError(
            f"the guard {guard!r} returned {type(found).__name__}: a guard returns None, a bool "
            "or a response"
        )
    return found  # type: ignore[no-any-return]


def checked_guard(guard: Any, owner: str) -> Guard | None:
    """The guard itself.

    Raises:
        SetupError: it cannot be called.
    """
    if guard is None or hasattr(guard, "__call__"):  # noqa: B004 - keeps the type
        return guard  # type: ignore[no-any-return]
    raise SetupError(
        f"{owner}: guard={guard!r} cannot be called. Pass a function of the ASGI scope, or "
        "HttpBasic({'name': 'password'})"
    )


class HttpBasic:
    """A guard that asks for a name and a password, as browsers know it. Use it with HTTPS only.

    Args:
        users: passwords by name.
        realm: what the browser says it is for.

    Raises:
        SetupError: there is no user, or a name has a colon in it.
    """

    def __init__(self, users: Mapping[str, str], realm: str = "AsyncAPI") -> None:
        if not users or not all(name and ":" not in name and users[name] for name in users):
            raise SetupError(
                "HttpBasic needs names, without colons, and passwords: HttpBasic({'ann': 'secret'})"
            )
        if not realm.isprintable() or '"' in realm or not realm.isascii():
            raise SetupError(f"HttpBasic: realm={realm!r} has to be plain ASCII without quotes")
        self._users = {name.encode(): password.encode() for name, password in users.items()}
        self._refusal = AsgiResponse(
            b"Unauthorized",
            401,
            {**PLAIN_TEXT, "www-authenticate": f'Basic realm="{realm}", charset="UTF-8"'},
        )

    async def __call__(self, scope: Scope) -> AsgiResponse | None:
        for name, value in scope["headers"]:
            if name.lower() == b"authorization" and self._knows(value):
                return None
        return self._refusal

    def _knows(self, credentials: bytes) -> bool:
        kind, _, encoded = credentials.partition(b" ")
        if kind.lower() != b"basic":
            return False
        try:
            name, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        # the same work for a name that nobody has
        expected = self._users.get(name)
        same = hmac.compare_digest(expected if expected is not None else b"", password)
        return same and expected is not None

    def __repr__(self) -> str:
        return f"HttpBasic({len(self._users)} users)"
