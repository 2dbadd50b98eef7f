"""EfficientDet Studio: without a subcommand the window, on a folder or COCO file if one is named."""

import gc
import os
import sys
from pathlib import Path

from detector.commands import COMMANDS

# What OpenCV would print about a damaged picture is said by our own error. It reads this when it is imported.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")


def main() -> None:
    """Open the window, or run the command line. Nothing heavy is loaded before it is known which."""
    arguments = sys.argv[1:]
    if not arguments or is_place(arguments):
        gc.disable()  # nothing that is loaded is garbage, and looking for it takes a tenth of a second; see app.garbage
        from app.application import run as show

        sys.exit(show(Path(arguments[0]) if arguments else None))
    from detector.cli import run

    run()


def is_place(arguments: list[str]) -> bool:
    """Whether this is one folder or file to open; the name of a subcommand wins over a folder of that name."""
    return len(arguments) == 1 and arguments[0] not in COMMANDS and Path(arguments[0]).exists()


if __name__ == "__main__":
    main()
