"""Ready-made annotations for handler arguments."""

from __future__ import annotations

from typing import Annotated, Any

from anystream.core.context import ContextRepo as _ContextRepo
from anystream.core.params import Context, NoCast
from anystream.core.types import LoggerProto

__all__ = ("ContextRepo", "FastStream", "Logger", "NoCast")


Logger = Annotated[LoggerProto, Context("logger")]
ContextRepo = Annotated[_ContextRepo, Context("context")]
FastStream = Annotated[Any, Context("app")]
