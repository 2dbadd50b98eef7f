"""export-onnx: a model as a file that any ONNX runtime takes."""

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from detector.commands.console import answer
from detector.commands.options import ClassFile, VariantName


def export_onnx(
    model: Annotated[str, Argument(metavar="MODEL", help="starter, d0 … d7x, or a file.")],
    out: Annotated[Path, Argument(metavar="OUT.onnx", help="The file to write.")],
    raw: Annotated[bool, Option("--raw", help="The network alone: class logits and box regressions.")] = False,
    channel: Annotated[
        list[int] | None, Option(min=0, help="Only this class, counted from 0; may be repeated.")
    ] = None,
    variant: VariantName = None,
    classes: ClassFile = None,
) -> None:
    """Write a model as ONNX: from uint8 pictures to boxes, or the network alone. Batch and size stay free."""
    if out.suffix != ".onnx":
        raise BadParameter(f"{out} does not end in .onnx.", param_hint="OUT.onnx")
    if raw and channel:
        raise BadParameter("--raw gives all channels; leave --channel out.")
    from detector.inference.onnx_export import export
    from detector.model.published import open_model

    opened = open_model(model, variant=variant, classes=classes)
    for line in export(opened, out, raw=raw, channels=channel):
        answer(line)
