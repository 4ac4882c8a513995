"""What the writers of all versions of AsyncAPI have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anystream.specification.components import Components, pointer
from anystream.specification.model import Channel, Document, Payload, Schema

CORRELATION_ID = {"location": "$message.header#/correlation_id"}

_PARAMETER = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_]+)\}")


@dataclass
class Written:
    """A document of one version.

    Args:
        content: the document.
        channels: what its channels describe, by their keys in it.
    """

    content: dict[str, Any]
    channels: Mapping[str, Channel]


def parameters(address: str) -> dict[str, Any]:
    """The `{name}` parts of an address, each without more to say of it."""
    return {found: {} for found in _PARAMETER.findall(address) if found}


def payload_of(
    channel: Channel,
    components: Components,
    name: Callable[[Payload], str] = lambda payload: payload.name,
) -> Schema:
    """A reference to what the messages of a channel hold, or to each of the possible ones.

    Args:
        channel: the channel.
        components: the named schemas; grows.
        name: the name of a payload that is no model.
    """
    references: list[Schema] = []
    for payload in channel.payloads:
        reference = components.reference(payload, name(payload))
        if reference not in references:
            references.append(reference)
    return references[0] if len(channel.payloads) == 1 else {"oneOf": references}


def security_schemes(document: Document) -> dict[str, Any]:
    """The security schemes of all servers; nothing if there is none."""
    schemes: dict[str, Any] = {}
    for server in document.servers.values():
        for name, scheme in (server.schemes or {}).items():
            # the standard asks for the flows of OAuth 2, of which a broker's settings say nothing
            extra: dict[str, Any] = {"flows": {}} if scheme.get("type") == "oauth2" else {}
            schemes[name] = {**extra, **scheme}
    return filled(securitySchemes=schemes)


def given(**values: Any) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def filled(**values: Any) -> dict[str, Any]:
    """The values that are neither None nor empty."""
    return {name: value for name, value in values.items() if value}


def free(key: str, used: Mapping[str, Any]) -> str:
    """The key, or the key with a number where it is taken."""
    candidate, number = key, 1
    while candidate in used:
        number += 1
        candidate = f"{key}:{number}"
    return candidate


def message_of(title: str, payload: Schema) -> dict[str, Any]:
    """A message among the components."""
    return {"title": title, "correlationId": CORRELATION_ID, "payload": payload}


def reference(*parts: str) -> dict[str, str]:
    """A reference to a place in the document."""
    return {"$ref": pointer(*parts)}
