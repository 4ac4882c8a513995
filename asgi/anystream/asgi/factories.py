"""What Try It Out is made of, by the names of older releases."""

from anystream.asgi.try_handler import make_try_it_out_handler
from anystream.asgi.try_it_out import TryItOutProcessor

__all__ = ("TryItOutProcessor", "make_try_it_out_handler")
