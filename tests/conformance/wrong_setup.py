"""Adapters with a wrong `setup`, ping, document or broker access, and the clauses they break."""

from __future__ import annotations

import asyncio
from typing import Any

from reference_adapter import DEFAULTS, ReferenceAdapter

from anystream.conformance.probe_app import reply


async def always_up(scope: Any, receive: Any, send: Any) -> None:
    """A ping that asks nobody."""
    await reply(send, b"", 204)


async def always_down(scope: Any, receive: Any, send: Any) -> None:
    """A ping that has given up."""
    await reply(send, b"", 500)


class ProudPing(ReferenceAdapter):
    """Its ping asks nobody."""

    breaks = "P03 P04 P05 P06 P07 P11"
    ping: Any = staticmethod(always_up)

    def add_route(self, path: str, app: Any) -> None:
        super().add_route(path, self.ping if path.startswith("/ping") else app)


class SadPing(ProudPing):
    """Its ping always says no."""

    breaks = "P01 P02 P10"
    ping = staticmethod(always_down)


async def no_document(scope: Any, receive: Any, send: Any) -> None:
    """What stands where the document should."""
    status = 404 if scope["method"] == "HEAD" or scope["path"].endswith("asyncapi") else 200
    await reply(send, b"no document", status)


class WrongDocument(ReferenceAdapter):
    """Its document is none, and is everywhere below /docs."""

    breaks = "D01 D02 D03 D04 D05 D06 D07"

    def add_routes(self) -> None:
        self.options["asyncapi_path"] = None
        super().add_routes()
        self.mounts["/docs"] = no_document


class WrongBroker(ReferenceAdapter):
    """Hands out the last broker, whatever is asked for, except to many at once."""

    breaks = "B01 B02 B03 B04 B05 B06 B07 C02"

    def choose(self, kind: type | None) -> Any:
        return self.brokers[-1]


class Lazy(ReferenceAdapter):
    """Starts the brokers when somebody asks for one."""

    breaks = "B08 B09"

    def require(self, kind: type | None = None) -> Any:
        """The broker, for the user's handlers."""
        if not self.running:
            self.starting = asyncio.ensure_future(self.start())
        return self.choose(kind)


class Permissive(ReferenceAdapter):
    """Takes whatever it is given."""

    breaks = "E01 E02 E03 E04 E05 E06 E07 E08 E09 E10 E12"

    def validate(self, options: dict[str, Any]) -> None:
        for name in set(options) - set(DEFAULTS):
            del options[name]

    def add_route(self, path: str, app: Any) -> None:
        self.mounts[path] = app

    def require(self, kind: type | None = None) -> Any:
        """The broker, for the user's handlers."""
        return self.choose(kind)

    @classmethod
    def setup(cls, app: Any, stream: Any, **options: Any) -> ReferenceAdapter:
        """The verb of every adapter."""
        return cls(app, stream, options) if type(app) is object else super().setup(app, stream)


class Sticky(ReferenceAdapter):
    """Leaves its mark before it looks at what it was given."""

    breaks = "E11"

    @classmethod
    def setup(cls, app: Any, stream: Any, **options: Any) -> ReferenceAdapter:
        """The verb of every adapter."""
        if stream is None:
            app.around = object()
        return super().setup(app, stream, **options)


ADAPTERS = (ProudPing, SadPing, WrongDocument, WrongBroker, Lazy, Permissive, Sticky)
