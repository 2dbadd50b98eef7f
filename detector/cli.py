"""The command line: `python main.py --help`. What a command needs is imported when it runs: `--help` loads no torch."""

import io
import sys

import typer

from detector.commands.auto_label import auto_label
from detector.commands.bench import bench
from detector.commands.console import say
from detector.commands.convert import convert
from detector.commands.evaluate import evaluate
from detector.commands.export_onnx import export_onnx
from detector.commands.fine_tune import fine_tune
from detector.commands.fusion import fusion
from detector.commands.variants import variants
from detector.commands.weights import weights
from detector.commands.workbench import workbench
from detector.errors import StudioError

app = typer.Typer(
    help="Label photographs with EfficientDet, export COCO, fine-tune on what you corrected.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (auto_label, fine_tune, evaluate, convert, fusion, variants, export_onnx, bench, workbench):
    app.command()(command)
app.add_typer(weights, name="weights")


def run() -> None:
    """Run the command in sys.argv and exit: 0; 1 after one line on stderr; 2 for wrong usage; 130 after Ctrl+C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        app()  # which exits by itself unless the command fails
    except StudioError as error:
        say(f"error: {error}")
    except OSError as error:  # a full disk, a folder that may not be written to
        say(f"error: {': '.join(str(part) for part in (error.filename, error.strerror or error) if part)}")
    sys.exit(1)
