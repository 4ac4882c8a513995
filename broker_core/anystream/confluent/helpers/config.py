"""The type of `KafkaBroker(config=...)`, under the import path that FastStream users know."""

from anystream.confluent.config import ConfluentConfig

__all__ = ("ConfluentConfig",)
