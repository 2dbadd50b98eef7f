"""Arguments and options that several subcommands share."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

DataFile = Annotated[Path, Argument(metavar="DATA", help="A COCO file.")]
ModelName = Annotated[
    str, Option(metavar="starter|d0…d7x|FILE", help="A model by its name or file.", show_default=False)
]
VariantName = Annotated[str | None, Option(help="d0 … d7x, d0_ap …: for a .pth file that does not say.")]
ClassFile = Annotated[Path | None, Option(help="A name a line: for a .pth file that does not say.")]
ImageFolder = Annotated[Path | None, Option(help="Where the pictures are; default: beside DATA.")]
DeviceName = Annotated[str, Option(help="auto, cpu, cuda, cuda:N or mps.")]
BatchSize = Annotated[int | None, Option(min=1, help="Images at a time; default: as suits the device.")]
Exact = Annotated[bool, Option("--exact", help="The reference's own preprocessing and candidates; slower.")]
Tiled = Annotated[bool, Option("--tiles", help="Look at large pictures in tiles, too: finds small objects.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document and nothing else.")]
