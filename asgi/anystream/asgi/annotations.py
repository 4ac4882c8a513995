"""Ready-made annotations for the arguments of HTTP handlers."""

from __future__ import annotations

from typing import Annotated

from anystream.asgi.request import AsgiRequest
from anystream.core.params import Context

__all__ = ("Request",)

Request = Annotated[AsgiRequest, Context("request")]
