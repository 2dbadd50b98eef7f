"""weights: the published COCO weights, and models taken to other programs."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Typer

from detector.commands.console import answer, answer_json, progress_bytes, say
from detector.commands.options import AsJson, ClassFile, VariantName
from detector.model.weights import PUBLISHED, PublishedWeights, find_weights, keep, mirror, published, weights_folder

if TYPE_CHECKING:
    from detector.model.info import ModelInfo

weights = Typer(
    help="List, fetch and import published COCO weights; export a model for effdet.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@weights.command("list")
def show(as_json: AsJson = False) -> None:
    """Show the published weights, with their AP on COCO, and which ones are here."""
    if as_json:
        answer_json({"folder": str(weights_folder()), "weights": [_document(item) for item in PUBLISHED.values()]})
        return
    answer(f"{'name':7}{'px':>5}{'AP':>6}{'hard NMS':>10}{'MB':>5}  file")
    for item in PUBLISHED.values():
        hard = "–" if item.hard_nms_ap is None else f"{item.hard_nms_ap:.1f}"
        here = "here" if item.path.is_file() else "not here"
        size = item.variant.image_size
        answer(f"{item.name:7}{size:5}{item.coco_ap:6.1f}{hard:>10}{item.megabytes:5}  {item.file}  {here}")
    answer("")
    answer("AP: on COCO val2017, as published with soft NMS, and as effdet measures the file with hard NMS.")
    answer(f"Kept in {weights_folder()}" + (f"; fetched from {mirror()}" if mirror() else ""))


@weights.command()
def get(name: Annotated[str, Argument(metavar="NAME", help="d0 … d7x, d0_ap … d5_ap.")]) -> None:
    """Fetch published weights; what was interrupted goes on where it stopped."""
    from detector.model.download import fetch

    wanted = published(name)
    try:
        with closing(fetch(wanted)) as events:
            progress_bytes(((event.done, event.total) for event in events), wanted.file)
    except KeyboardInterrupt:
        say("Stopped; the same command goes on from here.")
        raise
    answer(f"{wanted.title}: {find_weights(wanted.name)}")


@weights.command("import")
def take(file: Annotated[Path, Argument(metavar="FILE", help="A published file, whatever it is called.")]) -> None:
    """Check a published file that was fetched otherwise, and copy it to where it is looked for."""
    taken = keep(file)
    answer(f"{taken.title}: {taken.path}")


@weights.command()
def export(
    model: Annotated[str, Argument(metavar="MODEL", help="starter, d0 … d7x, or a file.")],
    out: Annotated[Path, Argument(metavar="OUT", help="OUT.pth for effdet, OUT.safetensors for this program.")],
    variant: VariantName = None,
    classes: ClassFile = None,
) -> None:
    """Write a model for effdet (load_state_dict, strict=True), or a foreign one as a file of ours that says all."""
    if out.suffix not in (".pth", ".safetensors"):
        raise BadParameter(f"{out} ends neither in .pth nor in .safetensors.", param_hint="OUT")
    from detector.model.checkpoint import save
    from detector.model.published import open_model, save_effdet

    opened = open_model(model, variant=variant, classes=classes)
    if out.suffix == ".pth":
        save_effdet(opened, out)
    else:
        save(opened, out)
    for line in _card(opened.info, out):
        answer(line)


def _card(info: "ModelInfo", out: Path) -> list[str]:
    """What another program has to know of the weights: their network, and the class of each label."""
    from detector.model.info import ADVPROP

    suffix = "_ap" if info.normalisation == ADVPROP else ""
    network = f"tf_efficientdet_{info.variant}{suffix}" if out.suffix == ".pth" else info.variant.upper() + suffix
    head = f"{out}: {network}, {info.image_size} px, num_classes={len(info.classes)}"
    return [head, *(f"{label:5}  {name}" for label, name in enumerate(info.classes, start=1) if name is not None)]


def _document(item: PublishedWeights) -> dict[str, object]:
    return {
        "name": item.name,
        "variant": item.variant.name,
        "advprop": item.is_advprop,
        "image_size": item.variant.image_size,
        "coco_ap": item.coco_ap,
        "hard_nms_ap": item.hard_nms_ap,
        "megabytes": item.megabytes,
        "file": item.file,
        "url": item.url,
        "path": str(item.path) if item.path.is_file() else None,
    }
