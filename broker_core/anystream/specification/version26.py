"""Writes a document for AsyncAPI 2.6."""

from __future__ import annotations

import re
from typing import Any

from anystream.specification.components import Components, cleaned
from anystream.specification.model import About, Channel, Document, HttpEndpoint, Server
from anystream.specification.writing import (
    Written,
    filled,
    free,
    given,
    message_of,
    parameters,
    payload_of,
    reference,
    security_schemes,
)

# the older standard looks from outside: what others publish, this application receives
VERBS = {"receive": "publish", "send": "subscribe"}

# A key is an address there, and has to be the template of a URI without query and fragment. The
# official parser decodes escapes before it looks.
_NO_TEMPLATE = re.compile(r"(\{[A-Za-z0-9_]+\})|[\x00-\x20\"'<>%\\^`{|}?#\x7f]")


def write(document: Document, version: str) -> Written:
    """Writes a document.

    Args:
        document: what it says.
        version: what it says of its own version.
    """
    writer = _Writer()
    for channel in document.channels:
        writer.channel(channel)
    for endpoint in document.endpoints:
        writer.endpoint(endpoint)
    about = document.about
    content = {
        "info": _info(about),
        "asyncapi": version,
        **given(id=about.identifier),
        "defaultContentType": "application/json",
        "servers": {name: _server(server) for name, server in document.servers.items()},
        "channels": writer.channels,
        **filled(tags=about.tags),
        **given(externalDocs=about.external_docs),
        "components": {
            "messages": writer.messages,
            "schemas": writer.components.schemas,
            **security_schemes(document),
        },
    }
    return Written(content, writer.written)


class _Writer:
    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.components = Components()
        self.written: dict[str, Channel] = {}

    def channel(self, channel: Channel) -> None:
        key = free(_template(channel.key), self.channels)
        title = f"{channel.key}:Message"
        message = free(cleaned(title), self.messages)
        payload = payload_of(
            channel, self.components, lambda payload: payload.name_in_26 or payload.name
        )
        self.messages[message] = message_of(title, payload)
        bindings, operation_bindings = channel.bindings_in_26()
        self.written[key] = channel
        self.channels[key] = {
            **given(description=channel.description),
            "servers": list(channel.servers),
            **filled(bindings=bindings),
            VERBS[channel.action]: {
                **filled(bindings=operation_bindings),
                "message": reference("components", "messages", message),
            },
            **filled(parameters=parameters(key)),
        }

    def endpoint(self, endpoint: HttpEndpoint) -> None:
        http = {**filled(method=", ".join(endpoint.methods)), "bindingVersion": "0.1.0"}
        key = free(_template(endpoint.path), self.channels)
        self.channels[key] = {
            **given(description=endpoint.description),
            "subscribe": {
                **given(operationId=endpoint.operation_id),
                **filled(tags=endpoint.tags),
                "bindings": {"http": http},
            },
            **filled(parameters=parameters(key)),
        }


def _template(key: str) -> str:
    return _NO_TEMPLATE.sub(lambda found: found[1] or "_", key)


def _info(about: About) -> dict[str, Any]:
    return {
        "title": about.title,
        "version": about.version,
        **given(
            description=about.description,
            termsOfService=about.terms_of_service,
            contact=about.contact,
            license=about.license,
        ),
    }


def _server(server: Server) -> dict[str, Any]:
    written = {
        "url": server.url,
        "protocol": server.protocol,
        **given(protocolVersion=server.protocol_version, description=server.description),
        **filled(tags=server.tags),
    }
    if server.schemes is not None:
        written["security"] = [{name: []} for name in server.schemes]
    return written
