"""Our network is the reference's: the same outputs as effdet up to fp32 rounding, and the test sees what it must see.

Default batch-norm statistics would hide errors, so the reference gets those of one pass over photographs, and every
bias, scale and fusion weight a random value: nothing can be ignored, swapped or shared unseen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import effdet
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from detector.inference.onnx_engine import open_session
from detector.inference.onnx_export import raw_graph
from detector.model import bifpn
from detector.model.bifpn import FusionNode
from detector.model.checkpoint import Model
from detector.model.efficientdet import EfficientDet
from detector.model.info import IMAGENET
from detector.model.layers import SameConv2d
from detector.model.published import open_model, save_effdet
from tests.zylo import zylo_state

ALLOWED = 3.0  # times the reference's own fp32 rounding error
Outputs = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Reference:
    """An effdet model's file, an input, the outputs in float64, and how far effdet's own in float32 are from them."""

    weights: Path
    images: Tensor
    exact: Outputs
    rounding: tuple[float, float]

    @torch.inference_mode()
    def excess(self, network: EfficientDet) -> float:
        """The network's largest error in units of effdet's: up to about 1 where only rounding differs."""
        return self.excess_of(network(self.images))

    def excess_of(self, outputs: Outputs) -> float:
        """As `excess`, of logits and regressions."""
        errors = distances(outputs, self.exact)
        return max(error / rounding for error, rounding in zip(errors, self.rounding, strict=True))


def make_reference(name: str, photographs: Tensor, folder: Path, *, dead_edges: bool = False) -> Reference:
    """A random effdet `name`, calibrated on `photographs` and run on the first of them."""
    torch.manual_seed(0)
    height, width = photographs.shape[2:]
    model = create_effdet(name, (height, width)).eval()
    scatter_parameters(model, dead_edges=dead_edges)
    calibrate(model, photographs)
    weights = folder / f"tf_efficientdet_{name}-test.pth"
    torch.save(model.state_dict(), weights)
    images = photographs[:1]
    rounded = run_effdet(model, images)
    exact = run_effdet(model.double(), images.double())
    return Reference(weights, images, exact, distances(rounded, exact))


def create_effdet(name: str, size: tuple[int, int]) -> nn.Module:
    """effdet's model with random weights, for inputs of height × width."""
    options = {"bench_task": "", "pretrained": False, "pretrained_backbone": False}
    return effdet.create_model(f"tf_efficientdet_{name}", image_size=size, **options)


def run_onnx(model: Model, images: Tensor) -> Outputs:
    """What ONNX Runtime makes of the model's raw graph."""
    session = open_session(raw_graph(model).SerializeToString())
    logits, regression = session.run(["logits", "regression"], {"images": images.numpy()})
    return torch.from_numpy(logits), torch.from_numpy(regression)


def read_photographs(shared_data: Path, size: tuple[int, int]) -> Tensor:
    """Four photographs, stretched to height × width and normalised: 4×3×H×W float32."""
    height, width = size
    paths = sorted((shared_data / "coco-person" / "train").glob("*.jpg"))[:4]
    pictures = [np.asarray(Image.open(path).convert("RGB").resize((width, height))) for path in paths]
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET.mean, IMAGENET.std))
    return (pixels - mean) / std


@torch.no_grad()
def scatter_parameters(model: nn.Module, *, dead_edges: bool) -> None:
    for name, parameter in model.named_parameters():
        if name.endswith("edge_weights"):
            parameter.uniform_(0.2, 1.5)
            if dead_edges and len(parameter) == 3:
                parameter[1] = -0.7
        elif name.endswith("bias"):
            parameter += 0.2 * torch.randn_like(parameter)
        elif parameter.ndim == 1:  # a batch norm's scale
            parameter.uniform_(0.5, 1.5)


@torch.no_grad()
def calibrate(model: nn.Module, photographs: Tensor) -> None:
    """Give every batch norm the statistics of one pass. All else stays in evaluation mode: no drop path."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.train().momentum = 1.0
    model(photographs)
    for norm in norms:
        norm.eval()


@torch.inference_mode()
def run_effdet(model: nn.Module, images: Tensor) -> Outputs:
    """effdet's maps per level, brought to B×N×C and B×N×4 in the order level → y → x → anchor → value."""
    logits, boxes = (
        torch.cat([level.permute(0, 2, 3, 1).reshape(len(images), -1, values) for level in levels], dim=1)
        for levels, values in zip(model(images), (90, 4), strict=True)
    )
    return logits, boxes


def distances(given: Outputs, exact: Outputs) -> tuple[float, float]:
    first, second = ((a.double() - b).abs().max().item() for a, b in zip(given, exact, strict=True))
    return first, second


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("d0", (512, 512)),
        ("d0", (384, 256)),
        ("d1", (640, 640)),
        ("d2", (768, 768)),
        ("d3", (384, 384)),
        ("d4", (256, 256)),
        ("d5", (256, 256)),
        ("d6", (256, 256)),
        ("d7", (256, 256)),
        ("d7x", (256, 256)),
    ],
)
def test_outputs_are_those_of_the_reference_up_to_rounding(
    name: str, size: tuple[int, int], shared_data: Path, tmp_path: Path
) -> None:
    """In PyTorch, as ONNX, from zylo117's names too; and effdet takes back what came from it."""
    reference = make_reference(name, read_photographs(shared_data, size), tmp_path)
    model = open_model(str(reference.weights))
    assert reference.excess(model.network) <= ALLOWED
    assert reference.excess_of(run_onnx(model, reference.images)) <= ALLOWED
    theirs = torch.load(reference.weights, weights_only=True)
    zylo = tmp_path / f"efficientdet-{'d8' if name == 'd7x' else name}.pth"
    torch.save(zylo_state(name, theirs), zylo)
    same = open_model(str(zylo)).network.state_dict()
    assert all(torch.equal(tensor, same[key]) for key, tensor in model.network.state_dict().items())
    save_effdet(model, tmp_path / "back.pth")
    back = create_effdet(name, size)
    back.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True), strict=True)
    batches = "num_batches_tracked"
    assert all(torch.equal(t, theirs[key]) for key, t in back.state_dict().items() if not key.endswith(batches))


@pytest.fixture(scope="module")
def d0(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A D0 with dead edges: only with them does relu differ from other ways to keep a weight positive."""
    photographs = read_photographs(shared_data, (256, 256))
    return make_reference("d0", photographs, tmp_path_factory.mktemp("d0"), dead_edges=True)


def test_dead_edges_are_those_of_the_reference(d0: Reference) -> None:
    assert d0.excess(open_model(str(d0.weights)).network) <= ALLOWED


Mutation = Callable[[EfficientDet, pytest.MonkeyPatch], None]


def pool_with_zeros(_: EfficientDet, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bifpn, "downsample", lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1)), kernel_size=3, stride=2))


def pad_symmetrically(_: EfficientDet, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SameConv2d, "_same", lambda self, size: (self.kernel_size[0] // 2,) * 2)


def use_usual_epsilon(network: EfficientDet, _: pytest.MonkeyPatch) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5


def project_p4_once(network: EfficientDet, _: pytest.MonkeyPatch) -> None:
    down, out = (n for n in network.fpn.cells[0].modules() if isinstance(n, FusionNode) and n.node.level == 4)
    out.projections["1"] = down.projections["1"]


def upsample_bilinearly(_: EfficientDet, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bifpn, "upsample", lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"))


def keep_weights_positive_with_abs(_: EfficientDet, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bifpn, "normalised_weights", lambda raw, _: raw.abs() / (raw.abs().sum() + bifpn.FUSION_EPS))


def ignore_fusion_weights(_: EfficientDet, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bifpn, "normalised_weights", lambda raw, _: torch.full_like(raw, 1 / len(raw)))


@pytest.mark.parametrize(
    "mutate",
    [
        pool_with_zeros,
        pad_symmetrically,
        use_usual_epsilon,
        project_p4_once,
        upsample_bilinearly,
        keep_weights_positive_with_abs,
        ignore_fusion_weights,
    ],
)
def test_a_wrong_network_is_told_apart(d0: Reference, mutate: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    network = open_model(str(d0.weights)).network
    mutate(network, monkeypatch)
    assert d0.excess(network) > 100 * ALLOWED
