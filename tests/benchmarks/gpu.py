"""The network on a CUDA device against effdet's, and labelling on it beside what decoding alone allows.

python tests/benchmarks/gpu.py [--variants d0 d4] [--images DIR] [--batch 64] [--skip-compile]

Times of the network are CUDA events, without suppression: one picture by graphs, and by graphs of the compiled network;
a batch against effdet's network in float16, in PyTorch's default layout of maps and in channels_last. Then images per
second of a folder end to end, and of its decoding and resizing alone. Weights are random: they do not matter here.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import effdet
import torch

from detector.data.images import list_images
from detector.inference.predictor import WORKERS, Prediction, Predictor, read
from detector.inference.preprocess import prepare
from detector.inference.recording import CudaGraphs, Recorded
from detector.inference.torch_engine import TorchEngine, halve
from detector.model.checkpoint import Model
from detector.model.efficientdet import build
from detector.model.folding import fold_batch_norms
from detector.model.published import open_model
from detector.model.variants import find_variant

REPOSITORY = Path(__file__).resolve().parents[2]
CUDA = torch.device("cuda")
REPEATS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["d0", "d4"])
    parser.add_argument("--images", type=Path, default=REPOSITORY.parent / "shared" / "data" / "coco-person" / "val")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--skip-compile", action="store_true")
    asked = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    for variant in asked.variants:
        single(variant, compiled=not asked.skip_compile)
        batches(variant, asked.batch)
        torch.cuda.empty_cache()
    folder(asked.images, asked.variants[0])


def single(variant: str, *, compiled: bool) -> None:
    """Milliseconds of one picture."""
    size, network = find_variant(variant).image_size, ours(variant)
    picture = torch.randn(1, 3, size, size, device=CUDA, dtype=torch.float16).to(memory_format=torch.channels_last)
    print(f"{variant} batch 1: {milliseconds(network, picture):6.2f} ms eager", end="")
    print(f", {milliseconds(Recorded(network, CudaGraphs()), picture):6.2f} ms by graphs", end="", flush=True)
    if compiled:
        quick = torch.compile(network, mode="max-autotune-no-cudagraphs")
        print(f", {milliseconds(Recorded(quick, CudaGraphs()), picture):6.2f} ms by graphs, compiled", end="")
    print()


def batches(variant: str, count: int) -> None:
    """Images per second of a batch, ours and effdet's in turn."""
    size, name = find_variant(variant).image_size, f"tf_efficientdet_{variant}"
    theirs = effdet.create_model(name, bench_task="", pretrained=False, pretrained_backbone=False)
    theirs = theirs.eval().to(CUDA).half()
    default = torch.randn(count, 3, size, size, device=CUDA, dtype=torch.float16)
    last = default.to(memory_format=torch.channels_last)
    networks = {
        "effdet": (theirs, default),
        "effdet, channels_last": (deepcopy(theirs).to(memory_format=torch.channels_last), last),
        "ours": (Recorded(ours(variant), CudaGraphs()), last),
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(3):
        for name, (network, pictures) in networks.items():
            times[name].append(milliseconds(network, pictures, repeats=10))
    for name, each in times.items():
        ratio = median(each) / median(times["ours"])
        print(f"{variant} batch {count}: {name:22} {1000 * count / median(each):8.0f} images/s, ours × {ratio:.2f}")


@torch.inference_mode()
def milliseconds(function: Callable[[torch.Tensor], object], given: torch.Tensor, *, repeats: int = REPEATS) -> float:
    """The median of calls one after the other, by CUDA events, after some that warm up."""
    for _ in range(5):
        function(given)
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]
    marks[0].record()
    for mark in marks[1:]:
        function(given)
        mark.record()
    torch.cuda.synchronize()
    return median(before.elapsed_time(after) for before, after in pairwise(marks))


def ours(variant: str) -> torch.nn.Module:
    """The network as the engine has it on CUDA."""
    network = build(find_variant(variant), 90).eval().requires_grad_(False)
    fold_batch_norms(network)
    network = network.to(CUDA).to(memory_format=torch.channels_last)
    halve(network, torch.float16)
    return network


def folder(images: Path, variant: str) -> None:
    """Images per second end to end, and of decoding and resizing alone."""
    model = open_model("starter")
    size = find_variant(variant).image_size
    info = replace(model.info, variant=variant, image_size=size)
    paths = list_images(images)
    engine = TorchEngine(Model(build(find_variant(variant), len(info.classes)).eval(), info), CUDA)

    def decoded(path: Path) -> None:
        pixels, displayed = read(path, info, in_full=False)
        prepare(pixels, info, exact=False, displayed=displayed)

    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(decoded, paths))
    limit = len(paths) / (time.perf_counter() - began)
    list(Predictor(engine).run(paths[: 4 * engine.batch]))  # kernels are chosen, graphs recorded
    began = time.perf_counter()
    done = sum(isinstance(outcome, Prediction) for outcome in Predictor(engine).run(paths))
    rate = done / (time.perf_counter() - began)
    print(
        f"{variant}, {done} pictures end to end: {rate:.0f} images/s in batches of {engine.batch}; decoding {limit:.0f}"
    )


if __name__ == "__main__":
    main()
