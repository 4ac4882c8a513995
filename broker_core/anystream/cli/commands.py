"""All commands together, as Typer has them: for `--help`, completion and `docs`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any

import typer

from anystream.cli.docs import docs
from anystream.cli.options import LEVELS, PUBLISH, RUN, Option
from anystream.cli.publish import publish_command
from anystream.cli.run import run_command
from anystream.cli.version import version_line

KINDS: dict[str, Any] = {"bool": bool, "int": int, "float": float, "list": list[str]}
RICH_MODES: dict[str, Any] = {
    "rich": "rich",
    "markdown": "markdown",
    "md": "markdown",
    "none": None,
}
ANY_OPTION = {"ignore_unknown_options": True, "allow_extra_args": True}


def rich_mode() -> Any:
    """How help is written, by `ANYSTREAM_CLI_RICH_MODE`.

    Raises:
        ValueError: it is no such mode.
    """
    name = os.environ.get("ANYSTREAM_CLI_RICH_MODE") or "rich"
    if name not in RICH_MODES:
        raise ValueError(f"ANYSTREAM_CLI_RICH_MODE={name!r}: one of {', '.join(RICH_MODES)}")
    return RICH_MODES[name]


cli = typer.Typer(
    name="anystream",
    help="Message handlers inside any HTTP framework: runs and documents your application.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=rich_mode(),
)
cli.add_typer(docs, name="docs")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_line())
        raise typer.Exit


@cli.callback()
def command(
    version: bool = typer.Option(
        False, "-v", "--version", help="Show the version.", is_eager=True, callback=_show_version
    ),
) -> None:
    """Works with applications that are named as in `module:app`."""


@cli.command()
def version() -> None:
    """Shows the version."""
    typer.echo(version_line())


def _add(
    name: str, text: str, arguments: Sequence[tuple[str, str]], options: Sequence[Option]
) -> None:
    """Adds a command for its help and completion; `main` runs it without Typer."""
    parameters = [
        Parameter(
            argument.lower(),
            Parameter.KEYWORD_ONLY,
            default=typer.Argument(..., metavar=argument, help=explained),
            annotation=str,
        )
        for argument, explained in arguments
    ]
    parameters += [_parameter(option) for option in options]
    run = run_command if name == "run" else publish_command

    def command(context: typer.Context, **values: Any) -> None:
        raise typer.Exit(run(_words(context, values, arguments, options)))

    first = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    described: Any = command
    described.__signature__ = Signature([first, *parameters])
    described.__annotations__ = {p.name: p.annotation for p in (first, *parameters)}
    described.__doc__ = text
    cli.command(name, context_settings=ANY_OPTION)(command)


def _parameter(option: Option) -> Parameter:
    complete: Callable[[], list[str]] | None = None
    if option.kind == "level":
        complete = lambda: list(LEVELS)  # noqa: E731
    default = list(option.default) if option.kind == "list" else option.default
    shown = typer.Option(
        default, *option.flags, help=option.help, envvar=option.env, autocompletion=complete
    )
    annotation = KINDS.get(option.kind, str | None if option.default is None else str)
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=shown, annotation=annotation)


def _words(
    context: typer.Context,
    values: dict[str, Any],
    arguments: Sequence[tuple[str, str]],
    options: Sequence[Option],
) -> list[str]:
    """The command line again; needed where Typer itself runs a command, as its test runner does."""
    words = [values[name.lower()] for name, _ in arguments]
    for option in options:
        value = values[option.name]
        if option.kind == "bool":
            words += option.flags[-1:] if value else []
        elif option.kind == "list":
            words += [f"{option.flags[0]}={each}" for each in value or ()]
        elif value is not None:
            words.append(f"{option.flags[-1]}={value}")
    return [*words, *context.args]


_APP = ("APP", "The application: module:app.")
_add(
    "run",
    "Runs an application; options that are not listed go to its lifespan and start-up hooks, "
    "and to uvicorn: --host, --port, --bind, --uds, --fd, ...",
    [_APP],
    RUN,
)
_add(
    "publish",
    "Publishes a message; options that are not listed go to the broker's publish: --subject, "
    "--queue, --topic, --channel, ...",
    [_APP, ("MESSAGE", "The message: JSON, or a text.")],
    PUBLISH,
)
