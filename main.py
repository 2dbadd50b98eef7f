"""EfficientDet Studio: `python main.py --help`."""

import os

# What OpenCV would print about a damaged picture is said by our own error. It reads this when it is imported.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")


def main() -> None:
    """Run the command line."""
    from detector.cli import run  # nothing heavy may load before a subcommand needs it

    run()


if __name__ == "__main__":
    main()
