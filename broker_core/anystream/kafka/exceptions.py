"""Errors of this package that users catch by name."""

from anystream.kafka_common.errors import BatchBufferOverflowException

__all__ = ("BatchBufferOverflowException",)
