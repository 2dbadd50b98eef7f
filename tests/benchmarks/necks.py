"""The paper's comparisons of necks, without the training: fast fusion against softmax (table 6: their time), and BiFPN
against plain top-down FPNs (tables 4 and 5: parameters and multiply-adds).

python tests/benchmarks/necks.py [--variants d0 d2] [--rounds 15] [--device cpu]
Times are medians of a forward pass at the variant's size, of the pyramid alone and of the whole network. All networks
of a variant take turns, so that what else the machine does meets each of them. Parameters and multiply-adds: of the
pyramid alone / of the network.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from detector.device import describe, pick
from detector.model.complexity import by_stage, count_detector, total
from detector.model.efficientdet import EfficientDet, build
from detector.model.variants import Variant, find_variant

CLASSES = 90
NECKS = ("", "+softmax", "+sum", "+fpn", "+fpn+sum")
Work = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["d0"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    device = pick(asked.device)
    print(f"on {describe(device)}, {asked.rounds} rounds")
    for name in asked.variants:
        compare(candidates(name), rounds=asked.rounds, device=device)


def candidates(name: str) -> list[Variant]:
    """A variant with each neck and fusion, and with a plain FPN of a single cell, as Lin et al. have it."""
    found = [find_variant(name + neck) for neck in NECKS]
    return [*dict.fromkeys(found), replace(found[-1], name=f"{found[-1].name}, 1 cell", cells=1)]


def compare(variants: list[Variant], *, rounds: int, device: torch.device) -> None:
    """Prints what each variant costs, and its times as shares of the first one's."""
    networks = [build(variant, CLASSES).eval().to(device) for variant in variants]
    pyramids, wholes = (medians([make(network, device) for network in networks], rounds) for make in (pyramid, whole))
    print(f"{'':20}{'parameters':>23}{'GMACs':>16}{'pyramid':>16}{'network':>18}")
    for variant, alone, together in zip(variants, pyramids, wholes, strict=True):
        layers = count_detector(variant, classes=CLASSES)
        own, sums = by_stage(layers)["FPN"], total(layers)
        parameters, macs = f"{own.parameters:,} / {sums.parameters:,}", f"{own.macs / 1e9:.3f} / {sums.macs / 1e9:.2f}"
        print(
            f"{variant.name:20}{parameters:>23}{macs:>16}"
            f"{1e3 * alone:8.2f} ms {alone / pyramids[0]:4.2f}{1e3 * together:9.2f} ms {together / wholes[0]:4.2f}",
            flush=True,
        )


@torch.inference_mode()
def pyramid(network: EfficientDet, device: torch.device) -> Work:
    """The pyramid's forward pass over the features of a random image."""
    features = network.backbone(image(network.variant, device))
    return lambda: network.fpn(features)


def whole(network: EfficientDet, device: torch.device) -> Work:
    """The network's forward pass over a random image."""
    images = image(network.variant, device)
    return lambda: network(images)


def image(variant: Variant, device: torch.device) -> torch.Tensor:
    return torch.randn(1, 3, variant.image_size, variant.image_size, device=device)


@torch.inference_mode()
def medians(works: list[Work], rounds: int) -> list[float]:
    """The median seconds of each, after a round to warm up."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, times in zip(works, taken, strict=True):
            synchronise()
            began = time.perf_counter()
            work()
            synchronise()
            if number:
                times.append(time.perf_counter() - began)
    return [statistics.median(times) for times in taken]


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
