"""workbench: generated pictures with exact boxes."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from detector.commands.console import answer, progress
from detector.errors import OptionsError


def workbench(
    out: Annotated[Path, Argument(metavar="OUT", help="A new folder: gets labels.json and pictures, in images.")],
    count: Annotated[int, Option(min=1, help="How many pictures.")],
    seed: Annotated[int, Option(min=0, help="The same seed, the same pictures.")] = 0,
    width: Annotated[int, Option(min=64, help="In pixels.")] = 640,
    height: Annotated[int, Option(min=64, help="In pixels.")] = 480,
    withheld: Annotated[
        bool, Option("--withheld", help="Of benches, lights and proportions that the starter was not trained on.")
    ] = False,
) -> None:
    """Generate pictures of nuts and bolts with exact boxes."""
    from detector.data.workbench import write_folder

    if taken := next((path for path in (out / "labels.json", out / "images") if path.exists()), None):
        raise OptionsError(f"{taken} is there already and would be overwritten; name a new folder.")
    pictures = write_folder(out, count=count, seed=seed, width=width, height=height, withheld=withheld)
    answer(f"{out / 'labels.json'}: {sum(1 for _ in progress(pictures, count))} images")
