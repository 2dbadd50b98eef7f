"""fusion: the fusion weights of a model's BiFPN."""

from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option

from detector.commands.console import answer, answer_json
from detector.commands.options import AsJson, ClassFile, VariantName

if TYPE_CHECKING:
    from detector.model.fusion import FusionSnapshot


def fusion(
    model: Annotated[str, Argument(metavar="MODEL", help="starter, d0 … d7x, or a file.")],
    as_json: AsJson = False,
    as_csv: Annotated[bool, Option("--csv", help="Print one row per edge.")] = False,
    variant: VariantName = None,
    classes: ClassFile = None,
) -> None:
    """Show the weights by which a model fuses its feature maps."""
    if as_json and as_csv:
        raise BadParameter("--json and --csv exclude each other.")
    from detector.model.fusion import snapshot, to_csv, to_document
    from detector.model.published import open_model

    taken = snapshot(open_model(model, variant=variant, classes=classes).network)
    if as_json:
        answer_json(to_document(taken))
        return
    for line in to_csv(taken).splitlines() if as_csv else _table(taken):
        answer(line)


def _table(taken: "FusionSnapshot") -> list[str]:
    """A row per edge, each node named once."""
    kind = "normalised per node" if taken.normalised else "fixed at 1, not normalised"
    lines = [f"{taken.variant.upper()}: weights {kind}; only ratios within one node mean anything.", ""]
    lines.append(f"{'cell':6}{'node':7}{'input':7}{'way':6}{'raw':>8}{'weight':>9}")
    node = ("", "")
    for edge in taken.edges:
        before, node = node, (str(edge.cell), edge.node)
        cell, name = ("", "") if node == before else node
        raw = "–" if edge.raw is None else f"{edge.raw:.4f}"
        dead = "  dead" if edge.dead else ""
        lines.append(f"{cell:6}{name:7}{edge.source:7}{edge.direction:6}{raw:>8}{edge.weight:9.4f}{dead}")
    return lines
