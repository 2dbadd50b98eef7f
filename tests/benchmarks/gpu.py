"""The network on a CUDA device against effdet's, and labelling on it beside what decoding alone allows.

python tests/benchmarks/gpu.py [--variants d0 d4] [--images DIR] [--batch 64] [--skip-compile]
python tests/benchmarks/gpu.py --device cpu --quick

Times of the network are CUDA events, without suppression: one picture by graphs, and by graphs of the compiled network;
a batch against effdet's network in float16, in PyTorch's default layout of maps and in channels_last. Then images per
second of a folder end to end, and of its decoding and resizing alone. Weights are random: they do not matter here.

On the CPU there are neither graphs nor float16: that, and --quick, only try the script itself, and mean nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import effdet  # noqa: E402
import torch  # noqa: E402

from detector.data.images import list_images  # noqa: E402
from detector.device import free_memory  # noqa: E402
from detector.inference.forward import convolve_in  # noqa: E402
from detector.inference.predictor import WORKERS, Prediction, Predictor, read  # noqa: E402
from detector.inference.preprocess import prepare  # noqa: E402
from detector.inference.recording import CudaGraphs, Recorded  # noqa: E402
from detector.inference.torch_engine import TorchEngine  # noqa: E402
from detector.model.checkpoint import Model  # noqa: E402
from detector.model.efficientdet import build  # noqa: E402
from detector.model.folding import fold  # noqa: E402
from detector.model.published import open_model  # noqa: E402
from detector.model.variants import find_variant  # noqa: E402

Network = Callable[[torch.Tensor], object]


@dataclass(frozen=True)
class Bench:
    """Where, in which precision, and how often it is measured; size: of pictures in px, None for the variants' own."""

    device: torch.device
    dtype: torch.dtype
    repeats: int
    size: int | None

    def pictures(self, variant: str, count: int) -> torch.Tensor:
        """Noise, in PyTorch's default layout."""
        size = self.size or find_variant(variant).image_size
        return torch.randn(count, 3, size, size, device=self.device, dtype=self.dtype)

    def graphs(self, network: Network) -> Network:
        """The network by CUDA graphs, where there are any."""
        return Recorded(network, CudaGraphs()) if self.device.type == "cuda" else network  # type: ignore[arg-type]

    @torch.inference_mode()
    def milliseconds(self, network: Network, given: torch.Tensor, *, repeats: int) -> float:
        """The median of calls one after the other, after some that warm up: by CUDA events, else by the clock."""
        for _ in range(min(5, repeats)):
            network(given)
        if self.device.type != "cuda":
            clock = [time.perf_counter()]
            for _ in range(repeats):
                network(given)
                clock.append(time.perf_counter())
            return median(1000 * (after - before) for before, after in pairwise(clock))
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]
        marks[0].record()
        for mark in marks[1:]:
            network(given)
            mark.record()
        torch.cuda.synchronize()
        return median(before.elapsed_time(after) for before, after in pairwise(marks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["d0", "d4"])
    parser.add_argument("--images", type=Path, default=REPOSITORY.parent / "shared" / "data" / "coco-person" / "val")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small pictures, and few of them")
    parser.add_argument("--skip-compile", action="store_true")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    on_cuda = device.type == "cuda"
    dtype = torch.float16 if on_cuda else torch.float32
    bench = Bench(device, dtype, repeats=2 if asked.quick else 50, size=256 if asked.quick else None)
    print(f"{torch.cuda.get_device_name() if on_cuda else device}, PyTorch {torch.__version__}")
    for variant in asked.variants:
        single(bench, variant, compiled=not asked.skip_compile)
        batches(bench, variant, 2 if asked.quick else asked.batch)
        free_memory()
    paths = list_images(asked.images)
    folder(bench, paths[:8] if asked.quick else paths * 8, asked.variants[0])  # for seconds, each several times


def single(bench: Bench, variant: str, *, compiled: bool) -> None:
    """Milliseconds of one picture."""
    network = ours(bench, variant)
    picture = bench.pictures(variant, 1).to(memory_format=torch.channels_last)
    time_of = partial(bench.milliseconds, given=picture, repeats=bench.repeats)
    print(f"{variant} batch 1: {time_of(network):6.2f} ms eager", end="")
    print(f", {time_of(bench.graphs(network)):6.2f} ms by graphs", end="", flush=True)
    if compiled:
        quick = torch.compile(network, mode="max-autotune-no-cudagraphs")
        print(f", {time_of(bench.graphs(quick)):6.2f} ms by graphs, compiled", end="")
    print()


def batches(bench: Bench, variant: str, count: int) -> None:
    """Images per second of a batch, ours and effdet's in turn."""
    name, size = f"tf_efficientdet_{variant}", bench.size or find_variant(variant).image_size
    theirs = effdet.create_model(
        name, bench_task="", pretrained=False, pretrained_backbone=False, image_size=(size, size)
    )
    theirs = theirs.eval().to(bench.device).to(bench.dtype)
    default = bench.pictures(variant, count)
    last = default.to(memory_format=torch.channels_last)
    networks: dict[str, tuple[Network, torch.Tensor]] = {
        "effdet": (theirs, default),
        "effdet, channels_last": (deepcopy(theirs).to(memory_format=torch.channels_last), last),
        "ours": (bench.graphs(ours(bench, variant)), last),
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(3):
        for name, (network, pictures) in networks.items():
            times[name].append(bench.milliseconds(network, pictures, repeats=min(10, bench.repeats)))
    for name, each in times.items():
        ratio = median(each) / median(times["ours"])
        print(f"{variant} batch {count}: {name:22} {1000 * count / median(each):8.0f} images/s, ours × {ratio:.2f}")


def ours(bench: Bench, variant: str) -> torch.nn.Module:
    """The network as the engine has it."""
    network = build(find_variant(variant), 90).eval().requires_grad_(False)
    fold(network)
    return convolve_in(bench.dtype, network.to(bench.device).to(memory_format=torch.channels_last))


def folder(bench: Bench, paths: Sequence[Path], variant: str) -> None:
    """Images per second end to end, and of decoding and resizing alone."""
    model = open_model("starter")
    size = bench.size or find_variant(variant).image_size
    info = replace(model.info, variant=variant, image_size=size)
    engine = TorchEngine(Model(build(find_variant(variant), len(info.classes)).eval(), info), bench.device)

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
