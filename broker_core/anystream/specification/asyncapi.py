"""`AsyncAPI`: collects what is to be described and makes the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException, SetupError
from anystream.specification.about import (
    Contact,
    ExternalDocs,
    License,
    Tag,
    checked_url,
    contact_json,
    external_docs_json,
    license_json,
    tags_json,
)
from anystream.specification.model import About
from anystream.specification.rendered import RenderedSpecification


class AsyncAPI:
    """Makes the AsyncAPI document of brokers and HTTP endpoints; none of them has to be started.

    Args:
        *brokers: what is described, in this order; more by `add_broker`.
        title: of the service.
        version: of the service.
        description: of the service; may be Markdown.
        terms_of_service: a URL.
        license: a `License` or a mapping.
        contact: a `Contact` or a mapping.
        tags: each a `Tag`, a mapping or a name.
        external_docs: an `ExternalDocs` or a mapping.
        identifier: a URI that names the service.
        schema_version: version of AsyncAPI; `3.` or `2.6.` and anything.

    Raises:
        SetupError: a value is none of these, or a URL is none.
        FeatureNotSupportedException: there is no writer for the version of AsyncAPI.
    """

    def __init__(
        self,
        *brokers: Any,
        title: str = "FastStream",
        version: str = "0.1.0",
        description: str | None = None,
        terms_of_service: str | None = None,
        license: License | Mapping[str, Any] | None = None,
        contact: Contact | Mapping[str, Any] | None = None,
        tags: Iterable[Tag | Mapping[str, Any] | str] = (),
        external_docs: ExternalDocs | Mapping[str, Any] | None = None,
        identifier: str | None = None,
        schema_version: str = "3.0.0",
    ) -> None:
        self.schema_version = _checked_version(schema_version)
        self.about = About(
            title=title,
            version=version,
            description=description,
            terms_of_service=terms_of_service and checked_url("terms_of_service", terms_of_service),
            contact=contact_json(contact) if contact is not None else None,
            license=license_json(license) if license is not None else None,
            external_docs=external_docs_json(external_docs) if external_docs is not None else None,
            tags=tags_json(tags),
            identifier=identifier,
        )
        self.brokers: list[Any] = []
        self.http_routes: list[tuple[str, Any]] = []
        for broker in brokers:
            self.add_broker(broker)

    @property
    def title(self) -> str:
        """The title of the service."""
        return self.about.title

    def add_broker(self, broker: Any) -> AsyncAPI:
        """Describes a broker, too; one that is there already is not added again.

        Args:
            broker: the broker. One that is not anystream's is left out of the document.

        Raises:
            SetupError: it is no broker.
        """
        if isinstance(broker, type) or not callable(getattr(broker, "start", None)):
            raise SetupError(f"{broker!r} is no broker: pass an object such as NatsBroker()")
        if not any(known is broker for known in self.brokers):
            self.brokers.append(broker)
        return self

    def add_http_route(self, path: str, handler: Any) -> AsyncAPI:
        """Describes an HTTP endpoint, too.

        Args:
            path: where it answers.
            handler: what `get`, `post` or `make_ping_asgi` made; left out when it says
                `include_in_schema=False`.
        """
        if not any(known == path and it is handler for known, it in self.http_routes):
            self.http_routes.append((path, handler))
        return self

    def to_specification(self) -> RenderedSpecification:
        """Makes the document of what is declared now.

        Warns:
            RuntimeWarning: something could not be described; the document says less then.
        """
        from anystream.specification import version3, version26
        from anystream.specification.collecting import collect

        document = collect(self.about, self.brokers, self.http_routes)
        writer = version3 if self.schema_version.startswith("3.") else version26
        written = writer.write(document, self.schema_version)
        return RenderedSpecification(self.about.title, written)


def _checked_version(version: Any) -> str:
    if isinstance(version, str) and version.startswith(("3.", "2.6.")):
        return version
    raise FeatureNotSupportedException(
        f"schema_version={version!r} is not supported, use '3.0.0' or '2.6.0'"
    )
