"""zylo117's names for every variant, made from the table of what they correspond to in effdet, key by key: no code of
the program's own is asked.
"""

import torch
from torch import Tensor

State = dict[str, Tensor]
BN = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = {  # per stage of EfficientNet
    "d0": (1, 2, 2, 3, 3, 4, 1),
    "d1": (2, 3, 3, 4, 4, 5, 2),
    "d2": (2, 3, 3, 4, 4, 5, 2),
    "d3": (2, 3, 3, 5, 5, 6, 2),
    "d4": (2, 4, 4, 6, 6, 8, 2),
    "d5": (3, 5, 5, 7, 7, 9, 3),
    "d6": (3, 6, 6, 8, 8, 11, 3),
    "d7": (3, 6, 6, 8, 8, 11, 3),
    "d7x": (4, 7, 7, 10, 10, 13, 4),
}
CELLS = {"d0": 3, "d1": 4, "d2": 5, "d3": 6, "d4": 7, "d5": 7, "d6": 8, "d7": 8, "d7x": 8}
DEPTHS = {"d0": 3, "d1": 3, "d2": 3, "d3": 4, "d4": 4, "d5": 4, "d6": 5, "d7": 5, "d7x": 5}
VECTORS = {"p6_w1": 2, "p5_w1": 2, "p4_w1": 2, "p3_w1": 2, "p4_w2": 3, "p5_w2": 3, "p6_w2": 3, "p7_w2": 2}
WITHOUT_FUSION_WEIGHTS = ("d6", "d7", "d7x")

# zylo117's and effdet's modules of a block: convolution, convolution, batch norm, batch norm.
FIRST_STAGE = (("_depthwise_conv", "conv_dw", "_bn1", "bn1"), ("_project_conv", "conv_pw", "_bn2", "bn2"))
OTHER_STAGES = (
    ("_expand_conv", "conv_pw", "_bn0", "bn1"),
    ("_depthwise_conv", "conv_dw", "_bn1", "bn2"),
    ("_project_conv", "conv_pwl", "_bn2", "bn3"),
)


class ZyloTable(dict[str, str]):
    """Every name in a file of zylo117's that its network uses → what effdet calls it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._add_backbone(name)
        self._add_pyramid(name)
        self._add_heads(name)

    def _add_backbone(self, name: str) -> None:
        self._conv("backbone_net.model._conv_stem.conv", "backbone.conv_stem")
        self._bn("backbone_net.model._bn0", "backbone.bn1")
        places = [(stage, block) for stage, blocks in enumerate(BLOCKS[name]) for block in range(blocks)]
        for k, (stage, block) in enumerate(places):
            theirs, effdets = f"backbone_net.model._blocks.{k}", f"backbone.blocks.{stage}.{block}"
            for their_conv, effdets_conv, their_bn, effdets_bn in OTHER_STAGES if stage else FIRST_STAGE:
                self._conv(f"{theirs}.{their_conv}.conv", f"{effdets}.{effdets_conv}")
                self._bn(f"{theirs}.{their_bn}", f"{effdets}.{effdets_bn}")
            for part in ("reduce", "expand"):
                self._conv(f"{theirs}._se_{part}.conv", f"{effdets}.se.conv_{part}", bias=True)

    def _add_pyramid(self, name: str) -> None:
        nodes = ["6_up", "5_up", "4_up", "3_up", "4_down", "5_down", "6_down", "7_down"]
        nodes = ["7_up", *nodes, "8_down"] if name == "d7x" else nodes
        for cell in range(CELLS[name]):
            for j, node in enumerate(nodes):
                theirs, effdets = f"bifpn.{cell}.conv{node}", f"fpn.cell.{cell}.fnode.{j}.after_combine.conv"
                self._separable(theirs, effdets)
                self._bn(f"{theirs}.bn", f"{effdets}.bn")
            if name not in WITHOUT_FUSION_WEIGHTS:
                for j, vector in enumerate(VECTORS):
                    self[f"bifpn.{cell}.{vector}"] = f"fpn.cell.{cell}.fnode.{j}.combine.edge_weights"
        for node, second in (("5_up", ""), ("4_up", ""), ("3_up", ""), ("4_down", "_2"), ("5_down", "_2")):
            place = f"fpn.cell.0.fnode.{nodes.index(node)}.combine.resample.{int(node[0]) - 3}.conv"
            self._projection(f"bifpn.0.p{node[0]}_down_channel{second}", place)
        self._projection("bifpn.0.p5_to_p6", "fpn.resample.3.conv")

    def _add_heads(self, name: str) -> None:
        for their_net, effdets_net in (("regressor", "box_net"), ("classifier", "class_net")):
            self._separable(f"{their_net}.header", f"{effdets_net}.predict")
            for r in range(DEPTHS[name]):
                self._separable(f"{their_net}.conv_list.{r}", f"{effdets_net}.conv_rep.{r}")
                for level in range(6 if name == "d7x" else 5):
                    self._bn(f"{their_net}.bn_list.{level}.{r}", f"{effdets_net}.bn_rep.{r}.{level}.bn")

    def _bn(self, theirs: str, effdets: str) -> None:
        self.update({f"{theirs}.{tensor}": f"{effdets}.{tensor}" for tensor in BN})

    def _conv(self, theirs: str, effdets: str, *, bias: bool = False) -> None:
        tensors = ("weight", "bias") if bias else ("weight",)
        self.update({f"{theirs}.{tensor}": f"{effdets}.{tensor}" for tensor in tensors})

    def _separable(self, theirs: str, effdets: str) -> None:
        self._conv(f"{theirs}.depthwise_conv.conv", f"{effdets}.conv_dw")
        self._conv(f"{theirs}.pointwise_conv.conv", f"{effdets}.conv_pw", bias=True)

    def _projection(self, theirs: str, effdets: str) -> None:
        self._conv(f"{theirs}.0.conv", f"{effdets}.conv", bias=True)
        self._bn(f"{theirs}.1", f"{effdets}.bn")


def zylo_state(name: str, state: State) -> State:
    """The tensors of effdet's `name` as zylo117 calls them."""
    return {theirs: state[effdets] for theirs, effdets in ZyloTable(name).items()}


def zylo_leftovers(name: str) -> State:
    """What zylo117's files of D6 and up hold besides: fusion weights that nothing uses."""
    return {f"bifpn.{cell}.{key}": torch.ones(n) for cell in range(CELLS[name]) for key, n in VECTORS.items()}
