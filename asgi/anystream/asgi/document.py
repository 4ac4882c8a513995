"""A document in the forms in which it is served, each made once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from anystream.asgi.response import AsgiResponse
from anystream.core.exceptions import SetupError
from anystream.specification.assets import tag_of

Headers = Mapping[str, str]

HTML = "text/html; charset=utf-8"
JSON = "application/json"
YAML = "application/yaml"


class ServedDocument:
    """The document of something, built at the first request.

    Args:
        source: `AsyncAPI(broker)`, an application with `schema`, or a broker of anystream.

    Raises:
        SetupError: there is no document to be had of it.
    """

    def __init__(self, source: Any) -> None:
        if not _is_documented(source):
            raise SetupError(
                f"there is no AsyncAPI document of {type(source).__name__}: pass "
                "AsyncAPI(broker), a FastStream application or an anystream broker"
            )
        self._source = source

    @cached_property
    def specification(self) -> Any:
        """The finished document."""
        schema = self._source
        if not hasattr(schema, "to_specification") and not hasattr(schema, "to_json"):
            schema = schema.schema if _is_application(schema) else _described(schema)
        return schema.to_specification() if hasattr(schema, "to_specification") else schema

    @property
    def brokers(self) -> list[Any]:
        """The brokers of anystream that it describes."""
        from anystream.core.broker import Broker

        source = self._source
        if isinstance(source, Broker):
            return [source]
        known: Any = getattr(source, "brokers", None)
        if known is None:
            known = getattr(getattr(source, "schema", None), "brokers", None) or ()
        return [broker for broker in known if isinstance(broker, Broker)]

    @cached_property
    def json(self) -> bytes:
        """The document as JSON."""
        text: str = self.specification.to_json()
        return text.encode()

    @cached_property
    def yaml(self) -> bytes:
        """The document as YAML; without PyYAML it is JSON, which is YAML, too."""
        try:
            text: str = self.specification.to_yaml()
        except (ImportError, AttributeError):
            return json.dumps(json.loads(self.json), indent=2, ensure_ascii=False).encode()
        return text.encode()

    @property
    def title(self) -> str:
        """The title of what it describes."""
        title = getattr(self.specification, "title", None)
        return str(title or json.loads(self.json).get("info", {}).get("title", ""))

    @property
    def channels(self) -> Mapping[str, Any]:
        """What its channels describe, by their keys."""
        from anystream.specification import AsyncAPI

        known = getattr(self.specification, "channels", None)
        return AsyncAPI(*self.brokers).to_specification().channels if known is None else known

    def answer(
        self, content: bytes, media_type: str, headers: Headers, **more: str
    ) -> AsgiResponse:
        """The response with a body, or the 304 where the client has it already.

        Args:
            content: the body.
            media_type: its type.
            headers: of the request.
            more: headers of the response, with underscores for hyphens.
        """
        tag = f'"{tag_of(content)}"'
        own = {"etag": tag, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
        own.update({name.replace("_", "-"): value for name, value in more.items()})
        if tag in [known.strip().removeprefix("W/") for known in _known_tags(headers)]:
            return AsgiResponse(b"", 304, own)
        return AsgiResponse(content, 200, {"content-type": media_type, **own})


def content_security_policy(*urls: str | None) -> str:
    """What a page may load and run: only what comes from its own host, and from hosts of URLs.

    Args:
        urls: addresses that the developer chose, if any.
    """
    origins = [
        f"{it.scheme}://{it.netloc}" for it in map(urlsplit, filter(None, urls)) if it.netloc
    ]
    allowed = " ".join(["'self'", *dict.fromkeys(origins)])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed}",
            f"style-src {allowed}",
            f"connect-src {allowed}",
            f"font-src {allowed} data:",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ]
    )


def _known_tags(headers: Headers) -> list[str]:
    return headers.get("if-none-match", "").split(",")


def _is_application(source: Any) -> bool:
    return hasattr(source, "schema") and not _is_broker(source)


def _is_broker(source: Any) -> bool:
    from anystream.core.broker import Broker

    return isinstance(source, Broker)


def _is_documented(source: Any) -> bool:
    if isinstance(source, type):
        return False
    known = any(hasattr(source, name) for name in ("to_specification", "to_json", "schema"))
    return known or _is_broker(source)


def _described(broker: Any) -> Any:
    from anystream.specification import AsyncAPI

    return AsyncAPI(broker)
