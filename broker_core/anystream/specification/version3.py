"""Writes a document for AsyncAPI 3."""

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

MESSAGE_NAMES = {"receive": "SubscribeMessage", "send": "Message"}


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
    content = {
        "info": _info(document.about),
        "asyncapi": version,
        **given(id=document.about.identifier),
        "defaultContentType": "application/json",
        "servers": {name: _server(server) for name, server in document.servers.items()},
        "channels": writer.channels,
        "operations": writer.operations,
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
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.components = Components()
        self.written: dict[str, Channel] = {}

    def channel(self, channel: Channel) -> None:
        key = free(cleaned(channel.key), self.channels)
        name = MESSAGE_NAMES[channel.action]
        title = f"{channel.key}:{name}"
        message = free(cleaned(title), self.messages)
        self.messages[message] = message_of(title, payload_of(channel, self.components))
        self.written[key] = channel
        self.channels[key] = {
            **given(address=channel.address, description=channel.description),
            "servers": [reference("servers", server) for server in channel.servers],
            "messages": {name: reference("components", "messages", message)},
            **filled(parameters=parameters(channel.address or ""), bindings=channel.bindings),
        }
        suffix = "Subscribe" if channel.action == "receive" and not channel.title else ""
        self.operations[free(key + suffix, self.operations)] = {
            "action": channel.action,
            "channel": reference("channels", key),
            **filled(bindings=channel.operation_bindings),
            "messages": [reference("channels", key, "messages", name)],
        }

    def endpoint(self, endpoint: HttpEndpoint) -> None:
        name = re.sub(r"[^A-Za-z0-9_]", "", endpoint.path.strip("/").replace("/", "_"))
        key = free(f"{name}:HttpChannel", self.channels)
        self.channels[key] = {
            "address": endpoint.path,
            **given(description=endpoint.description),
            "messages": {},
        }
        methods = sorted(endpoint.methods, key=lambda method: method == "HEAD")
        http = {**filled(method=(*methods, "")[0]), "bindingVersion": "0.3.0"}
        self.operations[free(key, self.operations)] = {
            "action": "receive",
            "channel": reference("channels", key),
            "bindings": {"http": http},
            "messages": [],
        }


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
        **filled(tags=about.tags),
        **given(externalDocs=about.external_docs),
    }


def _server(server: Server) -> dict[str, Any]:
    written = {
        "host": server.host,
        "pathname": server.path,
        "protocol": server.protocol,
        **given(protocolVersion=server.protocol_version, description=server.description),
        **filled(tags=server.tags),
    }
    if server.schemes is not None:
        written["security"] = [
            reference("components", "securitySchemes", name) for name in server.schemes
        ]
    return written
