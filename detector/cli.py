"""The command line: `python main.py --help`. What a command needs is imported when it runs: `--help` loads no torch."""

import io
import sys
from importlib import import_module

import typer

from detector.commands import COMMANDS
from detector.commands.console import say
from detector.errors import StudioError


def command_line(only: str | None = None) -> typer.Typer:
    """All commands, or only the one that is asked for, which takes less time to begin."""
    app = typer.Typer(
        help="Label photographs with EfficientDet, export COCO, fine-tune on what you corrected.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # else a single command would have no name
    for name in COMMANDS if only is None else (only,):
        module = name.replace("-", "_")
        command = getattr(import_module(f"detector.commands.{module}"), module)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command()(command)
    return app


def run() -> None:
    """Run the command in sys.argv and exit: 0; 1 after one line on stderr; 2 for wrong usage; 130 after Ctrl+C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        command_line(
            sys.argv[1] if sys.argv[1:] and sys.argv[1] in COMMANDS else None
        )()  # which exits by itself unless the command fails
    except StudioError as error:
        say(f"error: {error}")
    except OSError as error:  # a full disk, a folder that may not be written to
        say(f"error: {': '.join(str(part) for part in (error.filename, error.strerror or error) if part)}")
    sys.exit(1)
