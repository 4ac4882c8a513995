"""What every broker takes, and what it says of itself in documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import Self, TypedDict

from anystream.core.ack import AckPolicy
from anystream.core.context import ContextRepo
from anystream.core.security import BaseSecurity

if TYPE_CHECKING:
    from fast_depends import Provider
    from fast_depends.dependencies import Dependant
    from fast_depends.library.serializer import SerializerProto

    from anystream.core.publish_policy import RetryPolicy
    from anystream.core.router import Router


class BrokerOptions(TypedDict, total=False):
    """What every broker takes.

    Keys:
        graceful_timeout: seconds that `stop()` waits for messages in flight; 15 by default.
        publish_timeout: seconds that one publish may take with all its attempts, None for as long
            as the client library takes.
        publish_retry: a `RetryPolicy`: when a publish that failed is tried again; None for never.
        ack_policy: default acknowledgement policy of its subscribers.
        id_generator: makes correlation ids.
        decoder, parser, codec: replace or wrap the defaults for all its subscribers.
        dependencies: run before every handler.
        middlewares: factories, first one outermost.
        routers: routers to include.
        security: credentials and TLS.
        specification_url, protocol, protocol_version, description, tags: for the documentation.
        logger: object with `.log()`; None for silence, our own by default.
        log_level: level of the lines about messages.
        apply_types: False switches validation and injection off.
        serializer: validates and encodes (FastDepends' pydantic by default, None for neither).
        provider: FastDepends' dependencies and overrides; the process-wide one by default.
        context: the context repository.
        underlying_driver_annotations: classes that handlers must ask for by an alias, with what
            to import in place of them.
    """

    graceful_timeout: float | None
    publish_timeout: float | None
    publish_retry: RetryPolicy | None
    ack_policy: AckPolicy
    id_generator: Callable[[], str]
    decoder: Callable[..., Any] | None
    parser: Callable[..., Any] | None
    codec: Any
    dependencies: Iterable[Dependant]
    middlewares: Sequence[Callable[..., Any]]
    routers: Sequence[Router]
    security: BaseSecurity | None
    specification_url: str | Sequence[str] | None
    protocol: str | None
    protocol_version: str | None
    description: str | None
    tags: Iterable[Any]
    logger: Any
    log_level: int
    apply_types: bool
    serializer: SerializerProto | None
    provider: Provider | None
    context: ContextRepo | None
    underlying_driver_annotations: Mapping[Any, Any]


@dataclass(eq=False, repr=False)
class BrokerSpecification:
    """What the documentation says of a broker."""

    url: Sequence[str]
    protocol: str | None
    protocol_version: str | None
    description: str | None
    tags: Sequence[Any]
    security: BaseSecurity | None

    @classmethod
    def of(
        cls,
        options: BrokerOptions,
        *,
        url: str | Sequence[str],
        protocol: str,
        version: str = "custom",
    ) -> Self:
        """What the options say; where they say nothing, what the broker knows.

        Args:
            options: those of the broker.
            url: its addresses, without credentials.
            protocol: the protocol's name.
            version: the protocol's version.
        """
        shown = options.get("specification_url") or url
        return cls(
            url=[shown] if isinstance(shown, str) else list(shown),
            protocol=options.get("protocol") or protocol,
            protocol_version=options.get("protocol_version") or version,
            description=options.get("description"),
            tags=list(options.get("tags", ())),
            security=options.get("security"),
        )
