"""OpenTelemetry traces and metrics of what goes through a broker."""

try:
    import opentelemetry.trace as _client
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "opentelemetry":
        raise
    raise ImportError(
        'OpenTelemetry middlewares need opentelemetry: pip install "anystream[otel]"'
    ) from error

from anystream.opentelemetry.annotations import CurrentBaggage, CurrentSpan
from anystream.opentelemetry.baggage import Baggage
from anystream.opentelemetry.middleware import TelemetryMiddleware
from anystream.opentelemetry.options import TelemetrySettingsProvider

__all__ = (
    "Baggage",
    "CurrentBaggage",
    "CurrentSpan",
    "TelemetryMiddleware",
    "TelemetrySettingsProvider",
)

del _client
