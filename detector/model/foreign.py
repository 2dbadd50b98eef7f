"""What other programs call our parameters: effdet (rwightman/efficientdet-pytorch), and zylo117's
Yet-Another-EfficientDet-Pytorch. Known without torch.

Both are told from our names to theirs, so that one direction serves reading and writing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from detector.model.graph import bifpn_nodes
from detector.model.variants import STAGES, Fusion, Variant

# Our parameter names → effdet's; whatever no row touches has the same name in both.
EFFDET = (
    (r"^fpn\.p6\.", "fpn.resample.3.conv."),
    (r"^fpn\.cells\.(\d+)\.nodes\.(\d+)\.", r"fpn.cell.\1.fnode.\2."),
    (r"(fnode\.\d+)\.edge_weights$", r"\1.combine.edge_weights"),
    (r"(fnode\.\d+)\.projections\.(\d)\.", r"\1.combine.resample.\2.conv."),
    (r"(fnode\.\d+)\.bn\.", r"\1.after_combine.conv.bn."),
    (r"(fnode\.\d+)\.conv\.", r"\1.after_combine.conv."),
    (r"_net\.convs\.", "_net.conv_rep."),
    (r"_net\.bns\.(\d+)\.(\d+)\.", r"_net.bn_rep.\1.\2.bn."),
)

# Modules of a block → zylo117's, for blocks that do not expand (the first stage) and for those that do.
ZYLO_SEPARABLE = {"conv_dw": "_depthwise_conv.conv", "bn1": "_bn1", "conv_pw": "_project_conv.conv", "bn2": "_bn2"}
ZYLO_BOTTLENECK = {
    "conv_pw": "_expand_conv.conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv.conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv.conv",
    "bn3": "_bn2",
}
ZYLO_SQUEEZE = {"se.conv_reduce": "_se_reduce.conv", "se.conv_expand": "_se_expand.conv"}
ZYLO_CONV = {"conv_dw": "depthwise_conv.conv", "conv_pw": "pointwise_conv.conv"}
ZYLO_PROJECTION = {"conv": "0.conv", "bn": "1"}
ZYLO_FUSION_VECTOR = re.compile(r"bifpn\.\d+\.p\d_w[12]")


@dataclass(frozen=True)
class Naming:
    """A program's names of parameters. `mark` is one that each of its detectors has: the bias of the class outputs.

    name: our name and the variant → theirs. unused: whether a variant's file holds a tensor that nothing reads.
    """

    program: str
    mark: str
    name: Callable[[str, Variant], str]
    unused: Callable[[str, Variant], bool] = lambda name, variant: False


def effdet_name(name: str, variant: Variant) -> str:
    """Our parameter name → effdet's, the same for all variants."""
    for pattern, theirs in EFFDET:
        name = re.sub(pattern, theirs, name)
    return name


def zylo_name(name: str, variant: Variant) -> str:
    """Our parameter name → zylo117's, whose blocks have one running number and whose batch norms go level by level."""
    part, _, rest = name.partition(".")
    match part:
        case "backbone":
            return f"backbone_net.model.{_zylo_backbone(rest, variant)}"
        case "fpn":
            return f"bifpn.{_zylo_pyramid(rest, variant)}"
        case "class_net":
            return f"classifier.{_zylo_head(rest)}"
        case _:
            return f"regressor.{_zylo_head(rest)}"


def find_naming(names: Iterable[str]) -> Naming | None:
    """Whose names these are; None where nobody's that is known here."""
    known = frozenset(names)
    return next((naming for naming in NAMINGS if naming.mark in known), None)


def _zylo_backbone(name: str, variant: Variant) -> str:
    found = re.match(r"blocks\.(\d+)\.(\d+)\.(se\.\w+|\w+)\.(\w+)$", name)
    if found is None:
        return name.replace("conv_stem.", "_conv_stem.conv.").replace("bn1.", "_bn0.")
    stage, block, module, tensor = int(found[1]), int(found[2]), found[3], found[4]
    before = sum(variant.backbone.repeats(row.repeats) for row in STAGES[:stage])
    modules = ZYLO_SQUEEZE | (ZYLO_SEPARABLE if STAGES[stage].expand == 1 else ZYLO_BOTTLENECK)
    return f"_blocks.{before + block}.{modules[module]}.{tensor}"


def _zylo_pyramid(name: str, variant: Variant) -> str:
    if found := re.match(r"p6\.(\w+)\.(\w+)$", name):
        return f"0.p5_to_p6.{ZYLO_PROJECTION[found[1]]}.{found[2]}"
    cell, index, rest = re.sub(r"^cells\.(\d+)\.nodes\.", r"\1.", name).split(".", 2)
    node, is_up = bifpn_nodes(variant.levels)[int(index)], int(index) < len(variant.levels) - 1
    level, way = node.level, "up" if is_up else "down"
    if rest == "edge_weights":
        return f"{cell}.p{level}_w{1 if is_up else 2}"
    if found := re.match(r"projections\.\d\.(\w+)\.(\w+)$", rest):
        second = "" if is_up else "_2"  # P4 and P5 are projected once on either way
        return f"{cell}.p{level}_down_channel{second}.{ZYLO_PROJECTION[found[1]]}.{found[2]}"
    return f"{cell}.conv{level}_{way}.{_zylo_separable(rest.removeprefix('conv.'))}"


def _zylo_head(name: str) -> str:
    if found := re.match(r"bns\.(\d+)\.(\d+)\.(\w+)$", name):
        return f"bn_list.{found[2]}.{found[1]}.{found[3]}"
    if found := re.match(r"convs\.(\d+)\.(.+)$", name):
        return f"conv_list.{found[1]}.{_zylo_separable(found[2])}"
    return f"header.{_zylo_separable(name.removeprefix('predict.'))}"


def _zylo_separable(name: str) -> str:
    module, _, tensor = name.partition(".")
    return f"{ZYLO_CONV.get(module, module)}.{tensor}"


def _is_zylo_leftover(name: str, variant: Variant) -> bool:
    """From D6 on zylo117's files hold fusion weights that its network does not use."""
    return variant.fusion is Fusion.SUM and ZYLO_FUSION_VECTOR.fullmatch(name) is not None


EFFDET_NAMING = Naming("effdet", "class_net.predict.conv_pw.bias", effdet_name)
ZYLO_NAMING = Naming("zylo117", "classifier.header.pointwise_conv.conv.bias", zylo_name, _is_zylo_leftover)
NAMINGS = (EFFDET_NAMING, ZYLO_NAMING)
