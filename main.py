"""EfficientDet Studio: `python main.py --help`."""


def main() -> None:
    from detector.cli import run  # torch must not load before a subcommand needs it

    run()


if __name__ == "__main__":
    main()
