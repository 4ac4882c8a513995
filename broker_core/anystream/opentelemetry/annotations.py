"""Ready-made annotations for handler arguments."""

from __future__ import annotations

from typing import Annotated

from opentelemetry.trace import Span

from anystream.core.params import Context
from anystream.opentelemetry.baggage import Baggage

CurrentSpan = Annotated[Span, Context("span")]
CurrentBaggage = Annotated[Baggage, Context("baggage")]
