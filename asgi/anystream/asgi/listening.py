"""The sockets that a server listens at, and the files that some of them leave."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from typing_extensions import Self

from anystream.core.exceptions import SetupError

ANYBODY = 0o666  # a proxy in front runs as another user
HIGHEST_PORT = 65535
FORMS = "host:port, [::1]:port, unix:/path or fd://number"


class Listeners:
    """Open sockets.

    Args:
        sockets: the sockets.
        files: those of Unix sockets, to be removed at the end by who opened them.
    """

    def __init__(self, sockets: Iterable[socket.socket], files: Iterable[str] = ()) -> None:
        self.sockets = list(sockets)
        self.files = list(files)

    @classmethod
    def of(cls, options: Mapping[str, Any], *, default: bool = False) -> Self:
        """Opens what the options say.

        Args:
            options: `bind`, one address or several; else `uds`, `fd` or `host` and `port`.
            default: `False` leaves `host` and `port` to uvicorn.

        Raises:
            SetupError: an address of another form.
            OSError: an address is taken.
        """
        addresses = options.get("bind")
        if isinstance(addresses, bool) or addresses == "":
            raise SetupError(f"bind={addresses!r}: write {FORMS}")
        if not addresses:
            own = default or options.get("uds") or options.get("fd") is not None
            addresses = _addresses(options) if own else ()
        made = cls(())
        try:
            for address in [addresses] if isinstance(addresses, str) else addresses:
                made._open(address)
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Closes the sockets and removes their files."""
        for opened in self.sockets:
            opened.close()
        for file in self.files:
            with suppress(FileNotFoundError):
                os.unlink(file)
        self.files.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Another process gets the sockets; the files stay with this one."""
        return {"sockets": self.sockets, "files": []}

    def _open(self, address: Any) -> None:
        if not isinstance(address, str):
            raise SetupError(f"bind={address!r}: write {FORMS}")
        try:
            if address.startswith("fd://"):
                handle = number("bind", address[len("fd://") :])
                self.sockets.append(socket.socket(fileno=handle))
            elif address.startswith("unix:"):
                self._open_file(address[len("unix:") :])
            else:
                self._open_port(address)
        except OSError as error:
            reason = error.strerror or error
            raise OSError(error.errno, f"cannot listen at {address}: {reason}") from error

    def _open_file(self, path: str) -> None:
        if not path:  # the system would choose a name that nobody knows
            raise SetupError(f"bind='unix:': write {FORMS}")
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sockets.append(opened)
        _remove_stale(path)
        opened.bind(path)
        self.files.append(path)
        os.chmod(path, ANYBODY)

    def _open_port(self, address: str) -> None:
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdecimal():
            raise SetupError(f"bind={address!r}: write {FORMS}")
        bare = host.strip("[]")
        family = socket.AF_INET6 if ":" in bare else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        self.sockets.append(opened)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # as asyncio does it: else [::] would be in the way of 0.0.0.0
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((bare, port_number("bind", port)))


def number(name: str, value: Any) -> int:
    """A number that may have come as text.

    Raises:
        SetupError: it is none.
    """
    try:
        return int(value)
    except (TypeError, ValueError):
        raise SetupError(f"{name}={value!r}: pass a number") from None


def port_number(name: str, value: Any) -> int:
    """The number of a port.

    Raises:
        SetupError: it is none.
    """
    found = number(name, one_value(name, value))
    if not 0 <= found <= HIGHEST_PORT:
        raise SetupError(f"{name}={value!r}: a port is a number from 0 to {HIGHEST_PORT}")
    return found


def one_value(name: str, value: Any) -> Any:
    """The value, if it is neither several nor that of an option without one.

    Raises:
        SetupError: it is.
    """
    if isinstance(value, (bool, list)):
        raise SetupError(f"{name}={value!r}: pass one value")
    return value


def _addresses(options: Mapping[str, Any]) -> Sequence[str]:
    for name in ("uds", "fd", "host"):
        one_value(name, options.get(name))
    if options.get("uds"):
        return (f"unix:{options['uds']}",)
    if options.get("fd") is not None:
        return (f"fd://{options['fd']}",)
    host = str(options.get("host") or "127.0.0.1")
    bare = f"[{host}]" if ":" in host else host
    return (f"{bare}:{port_number('port', options.get('port', 8000))}",)


def _remove_stale(path: str) -> None:
    """Removes the file of a process that was killed; one where somebody listens stays."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EEXIST, "there is something that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
