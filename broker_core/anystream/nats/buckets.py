"""Key-value and object buckets: opened, or made if they are not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import Placement, RePublish, StorageType
from nats.js.kv import KeyValue
from nats.js.object_store import ObjectStore
from typing_extensions import TypedDict

from anystream.core.exceptions import SetupError
from anystream.core.options import check_options
from anystream.nats.errors import ALREADY_IN_USE, BucketNotFound
from anystream.nats.schemas import check_bucket

Make = Callable[..., Awaitable[Any]]


class ObjectStorageOptions(TypedDict, total=False):
    """How an object bucket is made.

    Keys:
        description: for people.
        ttl: seconds that an object is kept; for ever by default.
        max_bytes: of the whole bucket.
        storage, replicas, placement: where it is kept.
    """

    description: str | None
    ttl: float | None
    max_bytes: int | None
    storage: StorageType | None
    replicas: int
    placement: Placement | None


class KeyValueOptions(ObjectStorageOptions, total=False):
    """How a key-value bucket is made.

    Keys:
        max_value_size: bytes of one value.
        history: how many values of a key are kept, 1 by default, 64 at most.
        republish: a subject that gets each change, too.
        direct: read from any replica.
    """

    max_value_size: int | None
    history: int
    republish: RePublish | None
    direct: bool | None


class Buckets:
    """The buckets of one connection; each is opened once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[JetStreamContext, Any]] = {}

    async def key_value(
        self, js: JetStreamContext, name: str, declare: bool, options: KeyValueOptions
    ) -> KeyValue:
        """A key-value bucket, see `NatsBroker.key_value`."""
        check_options(f"key_value({name!r})", options, KeyValueOptions)
        makers = (js.key_value, partial(_make_key_value, js))
        bucket = await self._get(js, "key_value", name, declare, options, makers)
        return bucket  # type: ignore[no-any-return]

    async def object_storage(
        self, js: JetStreamContext, name: str, declare: bool, options: ObjectStorageOptions
    ) -> ObjectStore:
        """An object bucket, see `NatsBroker.object_storage`."""
        check_options(f"object_storage({name!r})", options, ObjectStorageOptions)
        makers = (js.object_store, js.create_object_store)
        bucket = await self._get(js, "object_storage", name, declare, options, makers)
        return bucket  # type: ignore[no-any-return]

    def forget(self, kind: str, name: str) -> None:
        """Opens a bucket anew next time: it may have been deleted."""
        self._known.pop((kind, name), None)

    async def _get(
        self,
        js: JetStreamContext,
        kind: str,
        name: str,
        declare: bool,
        options: Mapping[str, Any],
        makers: tuple[Make, Make],
    ) -> Any:
        known = self._known.get((kind, name))
        if known is not None and known[0] is js:
            return known[1]
        owner = f"{kind}({name!r})"
        check_bucket(name, owner)
        try:
            bucket = await _open_or_make(name, declare, options, *makers)
        except nats.js.errors.BucketNotFoundError as error:
            raise BucketNotFound(
                f"{owner}: there is no such bucket: leave declare=False out to make it", error
            ) from error
        except (nats.errors.Error, ValueError, TypeError) as error:
            raise SetupError(f"{owner}: {_reason(error)}") from error
        self._known[kind, name] = (js, bucket)
        return bucket


async def _make_key_value(js: JetStreamContext, **options: Any) -> KeyValue:
    made = await js.create_key_value(**options)
    placement = options.get("placement")
    if placement is not None:  # the client library leaves it out
        info = await js.stream_info(f"KV_{options['bucket']}")
        if info.config.placement != placement:
            await js.update_stream(replace(info.config, placement=placement))
    return made


async def _open_or_make(
    name: str, declare: bool, options: Mapping[str, Any], opened: Make, made: Make
) -> Any:
    if not declare:
        return await opened(name)
    if options:
        return await made(bucket=name, **options)
    try:  # nothing is said of its configuration, so it may be as it is
        return await opened(name)
    except nats.js.errors.BucketNotFoundError:
        pass
    try:
        return await made(bucket=name)
    except nats.js.errors.BadRequestError as error:
        if error.err_code != ALREADY_IN_USE:
            raise
        return await opened(name)  # somebody else was faster


def _reason(error: Exception) -> str:
    if isinstance(error, nats.js.errors.KeyHistoryTooLargeError):
        return "history can be 64 at most"
    if isinstance(error, nats.js.errors.BadBucketError):
        return "the stream of that name is no bucket"
    if isinstance(error, (nats.js.errors.ServiceUnavailableError, nats.errors.TimeoutError)):
        return "JetStream does not answer; is it switched on (`nats-server -js`)?"
    if isinstance(error, nats.js.errors.BadRequestError) and error.err_code == ALREADY_IN_USE:
        return (
            "the bucket is there with another configuration: give the same options, or none, or "
            "declare=False to take it as it is"
        )
    return str(getattr(error, "description", None) or error)
