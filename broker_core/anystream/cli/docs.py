"""`anystream docs`: the AsyncAPI document as a file, and as a page."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from pprint import pformat
from typing import Annotated, Any

import typer

from anystream.cli.docs_server import serve_forever
from anystream.cli.importing import import_object
from anystream.cli.reloading import run_reloaded
from anystream.specification import AsyncAPI, Specification
from anystream.specification.rendered import RenderedSpecification
from anystream.specification.writing import Written

docs = typer.Typer(
    name="docs", help="The AsyncAPI document of an application.", no_args_is_help=True
)

AppDir = Annotated[str, typer.Option("--app-dir", help="Directory to look for the module first.")]
Factory = Annotated[
    bool, typer.Option("--factory", "-f", help="The object makes the application: call it.")
]
SUFFIXES = (".json", ".yaml", ".yml")


@docs.command()
def gen(
    app: Annotated[str, typer.Argument(help="The application, a broker or AsyncAPI: module:app.")],
    yaml: Annotated[bool, typer.Option("--yaml", "-y", help="Write YAML, not JSON.")] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="The file; asyncapi.json if not given.")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", "-d", help="Show the document and write nothing.")
    ] = False,
    app_dir: AppDir = ".",
    factory: Factory = False,
) -> None:
    """Writes the document of an application to a file; no broker has to be reachable."""
    found = document_of(import_object(app, app_dir=app_dir, factory=factory))
    text = _as_yaml(found) if yaml else json.dumps(found.to_jsonable(), indent=2)
    if debug:
        typer.echo("Generated schema:")
        typer.echo(text if yaml else pformat(found.to_jsonable(), sort_dicts=False))
        return
    name = out or ("asyncapi.yaml" if yaml else "asyncapi.json")
    Path(name).write_text(text, encoding="utf-8")
    typer.echo(f"Your project AsyncAPI scheme was placed to `{name}`")


@docs.command()
def serve(
    source: Annotated[
        str, typer.Argument(help="The application, module:app, or a file of a document.")
    ],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "localhost",
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8000,
    app_dir: AppDir = ".",
    factory: Factory = False,
    reload: Annotated[
        bool, typer.Option("--reload", "-r", help="Start again when a file changes.")
    ] = False,
    extension: Annotated[
        list[str] | None,
        typer.Option(
            "--extension",
            "--ext",
            "--reload-extension",
            "--reload-ext",
            help="Other files to watch, by their ending.",
        ),
    ] = None,
) -> None:
    """Serves the page of a document, for development; messages cannot be tried there."""
    arguments = (source, host, port, app_dir, factory)
    if not reload:
        serve_once(*arguments)
        return
    file = Path(source)
    folders = [str(file.resolve().parent if file.suffix in SUFFIXES else Path.cwd())]
    if app_dir != ".":
        folders.append(str(Path(app_dir).resolve()))
    run_reloaded(serve_once, arguments, folders, tuple(extension or ()))


def serve_once(source: str, host: str, port: int, app_dir: str, factory: bool) -> None:
    """Serves what there is now; runs in a process of its own when it is reloaded."""
    if ":" in source:
        found = document_of(import_object(source, app_dir=app_dir, factory=factory))
    else:
        found = document_in(Path(source))
    serve_forever(found, host, port)


def document_of(source: Any) -> Specification:
    """The document of an application, a broker or an `AsyncAPI`.

    Raises:
        ValueError: it has none.
    """
    from anystream.core.broker import Broker

    if isinstance(source, Broker):
        source = AsyncAPI(source)
    schema = source if hasattr(source, "to_specification") else getattr(source, "schema", None)
    if schema is None:
        raise ValueError(
            f"{source!r} has no document: name an application, a broker or an AsyncAPI object"
        )
    made: Specification = schema.to_specification()
    return made


def document_in(file: Path) -> Specification:
    """The document in a file.

    Raises:
        ValueError: the file's ending is neither that of JSON nor of YAML, or it is broken.
        Exit: there is no such file, or it is no AsyncAPI document of a known version.
    """
    if file.suffix not in SUFFIXES:
        raise ValueError(f"{file}: a document is a file that ends in {', '.join(SUFFIXES)}")
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    read = json.loads if file.suffix == ".json" else _yaml().safe_load
    try:
        content = read(file.read_text(encoding="utf-8"))
    except Exception as error:  # that of PyYAML is no ValueError
        raise ValueError(f"{file} cannot be read: {error}") from error
    version = content.get("asyncapi") if isinstance(content, dict) else None
    if not isinstance(version, str) or not version.startswith(("3.", "2.6.")):
        typer.echo(f"{file}: AsyncAPI {version!r} is not supported, 3.0 and 2.6 are", err=True)
        raise typer.Exit(1)
    title = str(content.get("info", {}).get("title", ""))
    return RenderedSpecification(title, Written(content, {}))


def _as_yaml(found: Specification) -> str:
    _yaml()
    return found.to_yaml()


def _yaml() -> Any:
    try:
        return import_module("yaml")
    except ImportError:
        typer.echo('YAML needs PyYAML: pip install "anystream[cli]" or pyyaml', err=True)
        raise typer.Exit(1) from None
