"""The broker core: everything that is not tied to one broker or to HTTP."""

from typing import TYPE_CHECKING

from anystream.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from fast_depends import Depends

    from anystream.core.ack import AckPolicy, AckStatus
    from anystream.core.annotations import ContextRepo, Logger
    from anystream.core.app import FastStream
    from anystream.core.apply import apply_types
    from anystream.core.argument_checks import UnderlyingDriverAnnotation
    from anystream.core.message import SourceType, StreamMessage
    from anystream.core.middlewares import BaseMiddleware, ExceptionMiddleware
    from anystream.core.params import Context, Header, NoCast, Path
    from anystream.core.publish_policy import RetryPolicy
    from anystream.core.response import BatchPublishCommand, PublishCommand, PublishType, Response
    from anystream.core.testing import TestApp
    from anystream.specification import AsyncAPI

__all__ = (
    "AckPolicy",
    "AckStatus",
    "AsyncAPI",
    "BaseMiddleware",
    "BatchPublishCommand",
    "Context",
    "ContextRepo",
    "Depends",
    "ExceptionMiddleware",
    "FastStream",
    "Header",
    "Logger",
    "NoCast",
    "Path",
    "PublishCommand",
    "PublishType",
    "Response",
    "RetryPolicy",
    "SourceType",
    "StreamMessage",
    "TestApp",
    "UnderlyingDriverAnnotation",
    "apply_types",
)

__getattr__ = lazy_names(
    __name__,
    {
        "AckPolicy": "anystream.core.ack",
        "AckStatus": "anystream.core.ack",
        "AsyncAPI": "anystream.specification",
        "BaseMiddleware": "anystream.core.middlewares",
        "BatchPublishCommand": "anystream.core.response",
        "Context": "anystream.core.params",
        "ContextRepo": "anystream.core.annotations",
        "Depends": "fast_depends",
        "ExceptionMiddleware": "anystream.core.middlewares",
        "FastStream": "anystream.core.app",
        "Header": "anystream.core.params",
        "Logger": "anystream.core.annotations",
        "NoCast": "anystream.core.params",
        "Path": "anystream.core.params",
        "PublishCommand": "anystream.core.response",
        "PublishType": "anystream.core.response",
        "Response": "anystream.core.response",
        "RetryPolicy": "anystream.core.publish_policy",
        "SourceType": "anystream.core.message",
        "StreamMessage": "anystream.core.message",
        "TestApp": "anystream.core.testing",
        "UnderlyingDriverAnnotation": "anystream.core.argument_checks",
        "apply_types": "anystream.core.apply",
    },
)
