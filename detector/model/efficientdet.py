"""EfficientDet: backbone, pyramid and heads put together. This file is the assembly; the parts know nothing of
variants' names.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from detector.model.anchors import ANCHORS_PER_CELL
from detector.model.bifpn import FeaturePyramid
from detector.model.efficientnet import EfficientNet, pyramid_channels
from detector.model.heads import Head, box_head, class_head
from detector.model.variants import Variant


class EfficientDet(nn.Module):
    """A detector from finished parts (EfficientDet paper, figure 3)."""

    def __init__(
        self, variant: Variant, *, backbone: EfficientNet, fpn: FeaturePyramid, class_net: Head, box_net: Head
    ) -> None:
        super().__init__()
        self.variant = variant
        self.backbone = backbone
        self.fpn = fpn
        self.class_net = class_net
        self.box_net = box_net

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.variant.name.upper()

    @property
    def num_classes(self) -> int:
        """Class channels, gaps included."""
        return self.class_net.outputs

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised RGB B×3×H×W, H and W multiples of `variant.stride` → class logits B×N×C, regressions B×N×4 (ty,
        tx, th, tw).
        """
        return self.detect(self.backbone(images))

    def detect(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """What `forward` gives, from the backbone's P3, P4 and P5, or the first of them, at least P3."""
        maps = self.fpn(self.backbone.complete(features))
        return self.class_net(maps), self.box_net(maps)


def build(variant: Variant, num_classes: int) -> EfficientDet:
    """An EfficientDet with random weights and `num_classes` class channels."""
    head = {"depth": variant.head_depth, "levels": len(variant.levels), "anchors": ANCHORS_PER_CELL}
    return EfficientDet(
        variant,
        backbone=EfficientNet(variant.backbone),
        fpn=FeaturePyramid(
            pyramid_channels(variant.backbone),
            levels=variant.levels,
            channels=variant.channels,
            cells=variant.cells,
            neck=variant.neck,
            fusion=variant.fusion,
        ),
        class_net=class_head(variant.channels, num_classes, **head),
        box_net=box_head(variant.channels, **head),
    )
