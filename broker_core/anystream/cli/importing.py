"""From `module:app` to the object."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from anystream.cli.errors import UsageError


def import_object(name: str, *, app_dir: str = ".", factory: bool = False) -> Any:
    """Imports an object.

    Args:
        name: `module:attribute`, or `module:attribute.attribute`; the module may be a file below
            the working directory.
        app_dir: the directory to look for modules first.
        factory: call the object and take what it returns.

    Raises:
        UsageError: the name is no such name, or there is no such thing (exit code 2). What
            the module itself raises is not changed.
    """
    module_name, colon, path = name.partition(":")
    if not colon or not module_name or not path:
        raise UsageError(f"{name!r} is not of the form module:app, such as main:app")
    if not Path(app_dir).is_dir():
        raise UsageError(f"--app-dir: there is no directory {app_dir}")
    place = str(Path(app_dir).resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    found: Any = _module(module_name)
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageError(f"there is no {part!r} in {found!r}") from None
    return _made(found, name) if factory else found


def _module(name: str) -> ModuleType:
    bare = name.removesuffix(".py").lstrip("./").replace("/", ".")
    if name.startswith(".") or (name.endswith(".py") and Path(name).is_file()):
        raise UsageError(f"{name!r} is no module: write {bare}, and where it is as --app-dir")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # a module that this one imports is another matter
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
    file = Path.cwd().joinpath(*name.split(".")).with_suffix(".py")
    spec = spec_from_file_location(name, file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageError(
            f"there is neither a module {name!r} nor a file {file}; --app-dir says where to look"
        )
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(factory: Callable[[], Any], name: str) -> Any:
    if not callable(factory):
        raise UsageError(f"{name} is {factory!r}, which --factory cannot call")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise UsageError(f"{name} cannot be called by --factory: {error}") from None
    except ValueError:
        pass  # something of C that does not tell
    if inspect.iscoroutinefunction(factory):
        raise UsageError(f"{name} is an async function: --factory needs a plain one")
    return factory()
