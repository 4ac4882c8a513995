"""What a document says, before it is written for a version of AsyncAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Schema = dict[str, Any]

REFERENCE = "#/$defs/"


@dataclass
class Described:
    """The schema of a Python annotation.

    Args:
        schema: JSON schema; its references begin with `#/$defs/`.
        definitions: the schemas that it and they themselves refer to, by name.
        full_names: names of definitions with their modules, as far as known.
        problem: why some of it, or all, is left open; empty if nothing is.
    """

    schema: Schema
    definitions: dict[str, Schema] = field(default_factory=dict)
    full_names: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def model(self) -> str | None:
        """The definition that is all there is to the schema."""
        if list(self.schema) != ["$ref"]:
            return None
        name = str(self.schema["$ref"]).removeprefix(REFERENCE)
        return name if name in self.definitions else None


@dataclass
class Payload:
    """The schema of a body.

    Args:
        name: what it is called in the document, unless it is a model, which has a name.
        body: the schema.
        properties: of an object that is no model but the parameters of a handler.
        other_name: what it is called when the name belongs to another schema already.
        name_in_26: what it is called in AsyncAPI 2.6, where that differs.
    """

    name: str
    body: Described
    properties: dict[str, Described] = field(default_factory=dict)
    other_name: str = ""
    name_in_26: str = ""


@dataclass
class Channel:
    """One address that is received from or sent to.

    Args:
        key: its name in the document.
        address: the address that AsyncAPI 3 shows; None where the broker has none.
        action: what this application does.
        payloads: a message holds one of these.
        title: the name that the user chose, if any.
        description: text for people.
        bindings: what only this kind of broker knows, by protocol.
        operation_bindings: the same of the receiving or sending.
        bindings_in_26: makes both for AsyncAPI 2.6.
        servers: names of the servers that it is on.
        declared: the subscriber or publisher.
        destination: its address as the broker's `channel_addresses` has it.
    """

    key: str
    address: str | None
    action: Literal["receive", "send"]
    payloads: list[Payload]
    title: str | None = None
    description: str | None = None
    bindings: Mapping[str, Any] = field(default_factory=dict)
    operation_bindings: Mapping[str, Any] = field(default_factory=dict)
    bindings_in_26: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]] = field(
        default=lambda: ({}, {}), compare=False
    )
    servers: list[str] = field(default_factory=list)
    declared: Any = field(default=None, compare=False, repr=False)
    destination: str = ""


@dataclass
class Server:
    """Where a broker is; equal ones are one.

    Args:
        host: name and port, without credentials.
        path: what follows them in the URL.
        url: all of it, without credentials and query.
        protocol, protocol_version: what is spoken.
        description: text for people.
        tags: labels.
        schemes: security schemes by name; None where nothing is said about security.
    """

    host: str
    path: str
    protocol: str
    protocol_version: str | None
    description: str | None
    tags: Sequence[dict[str, Any]]
    schemes: dict[str, dict[str, Any]] | None
    url: str = field(default="", compare=False)


@dataclass
class HttpEndpoint:
    """An HTTP endpoint.

    Args:
        path: its path.
        methods: what it answers.
        description: text for people.
        tags: labels.
        operation_id: the name that the user chose, if any.
    """

    path: str
    methods: Sequence[str]
    description: str | None
    tags: Sequence[dict[str, Any]]
    operation_id: str | None


@dataclass
class About:
    """What is said of the whole; all values are as JSON has them.

    Args:
        title, version, description, terms_of_service: of the service.
        contact, license, external_docs, tags: see `anystream.specification.about`.
        identifier: a URI that names the service.
    """

    title: str
    version: str
    description: str | None
    terms_of_service: str | None
    contact: dict[str, Any] | None
    license: dict[str, Any] | None
    external_docs: dict[str, Any] | None
    tags: list[dict[str, Any]]
    identifier: str | None


@dataclass
class Document:
    """All of it, in the order of declaration."""

    about: About
    servers: dict[str, Server] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    endpoints: list[HttpEndpoint] = field(default_factory=list)
