"""EfficientNet as the classifier it was published as (Tan & Le 2019, table 1): of which ImageNet weights are."""

from torch import Tensor, nn

from detector.model.efficientnet import EfficientNet, initialise, pyramid_channels
from detector.model.layers import SameConv2d, batch_norm
from detector.model.variants import HEAD_CHANNELS, Backbone

IMAGENET_CLASSES = 1000


class Classifier(nn.Module):
    """Backbone, 1×1 convolution, global mean, dropout, one linear layer."""

    def __init__(self, backbone: EfficientNet, *, features: int, head: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.conv_head = SameConv2d(features, head, 1)
        self.bn2 = batch_norm(head)
        self.act = nn.SiLU()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(head, classes)
        initialise(self.conv_head)
        nn.init.uniform_(self.classifier.weight, -(classes**-0.5), classes**-0.5)
        nn.init.zeros_(self.classifier.bias)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"EfficientNet-{self.backbone.row.name.upper()}"

    def forward(self, images: Tensor) -> Tensor:
        """Normalised RGB B×3×H×W, of any size → logits B×classes."""
        features = self.backbone(images)[-1]
        pooled = self.act(self.bn2(self.conv_head(features))).mean((2, 3))
        return self.classifier(self.dropout(pooled))


def build_classifier(backbone: Backbone, classes: int = IMAGENET_CLASSES) -> Classifier:
    """A classifier with random weights."""
    return Classifier(
        EfficientNet(backbone),
        features=pyramid_channels(backbone)[-1],
        head=backbone.channels(HEAD_CHANNELS),
        classes=classes,
        dropout=backbone.dropout,
    )


def timm_name(name: str) -> str:
    """A classifier's parameter name → timm's, which has no part called backbone."""
    return name.removeprefix("backbone.")
