"""Auto-labelling on the CPU against the frozen baselines: effdet's own loop and a plain loop of ONNX Runtime.

python tests/benchmarks/labelling.py [--images 200] [--repeats 3] [--kind all|4:3|square|12mp] [--variant d0|d2]

Each repeat runs all of them in turn, each in a process of its own, over photographs of ../shared/data. Of ours the
whole process counts, its start too, with the graph in the cache; of the baselines what they report, without start and
warm-up. Prints images per second and peak memory, the medians' ratios, and what the export took that fills the cache.

D0 has the weights of the stand-in. Of D2 none are at hand: all three get the same random ones, and the loops, which are
written for D0 at 512 px, D2's name and 768 px in its place. Then hardly anything is found, by none of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
STAND_IN = SHARED / "data" / "tf_efficientdet_d0-standin.pth"
BASELINES = SHARED / "baselines"
SIZES = {"d0": 512, "d2": 768}  # px


@dataclass
class Runs:
    """Images per second and the most memory, in MB, of one program's runs."""

    rates: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def note(self, name: str, rate: float, memory: float) -> None:
        """A further run; says so, since a round takes minutes."""
        print(f"  {name} {rate:.2f}", flush=True)
        self.rates.append(rate)
        self.memory.append(memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kind", choices=["all", "4:3", "square", "12mp"], default="all")
    parser.add_argument("--variant", choices=list(SIZES), default="d0")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        count = fill(pictures, asked.kind, asked.images)
        weights = STAND_IN if asked.variant == "d0" else random_weights(Path(folder), asked.variant)
        print(f"{count} pictures, {asked.kind}, {asked.variant.upper()}")
        compare(pictures, count, weights, asked.variant, asked.repeats, Path(folder))


def fill(folder: Path, kind: str, count: int) -> int:
    """Photographs of a kind in a new folder; how many."""
    folder.mkdir()
    found = 0
    for path in sorted((SHARED / "data" / "coco-person").glob("*/*.jpg")):
        with Image.open(path) as image:
            longer, shorter = max(image.size), min(image.size)
            if kind == "12mp":
                size = (4000, 3000) if image.width >= image.height else (3000, 4000)
                image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(folder / path.name, quality=90)
            elif kind == "square":
                side = min(image.size)
                image.convert("RGB").crop((0, 0, side, side)).resize((384, 384)).save(folder / path.name, quality=90)
            elif kind == "all" or 1.25 < longer / shorter < 1.42:
                os.link(path, folder / path.name)
            else:
                continue
        found += 1
        if found == count:
            break
    return found


def random_weights(folder: Path, variant: str) -> Path:
    """effdet's network of a variant with random weights and the batch norms' statistics of one pass over noise, so that
    what goes through it has the size that it has in a trained one; as a file.
    """
    import effdet
    import torch

    torch.manual_seed(0)
    name = f"tf_efficientdet_{variant}"
    network = effdet.create_model(name, bench_task="", pretrained=False, pretrained_backbone=False).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(2, 3, SIZES[variant], SIZES[variant]))
    path = folder / f"tf_efficientdet_{variant}-random.pth"
    torch.save(network.state_dict(), path)
    return path


def loops(variant: str, folder: Path) -> Path:
    """The frozen loops; for another variant than D0, for which they are written, a copy with its name and size."""
    if variant == "d0":
        return BASELINES
    for path in BASELINES.glob("*.py"):
        text = path.read_text("utf-8").replace("tf_efficientdet_d0", f"tf_efficientdet_{variant}")
        (folder / path.name).write_text(text.replace("512", str(SIZES[variant])), "utf-8")
    return folder


def compare(pictures: Path, count: int, weights: Path, variant: str, repeats: int, scratch: Path) -> None:
    python, theirs, given = sys.executable, loops(variant, scratch), [str(pictures), str(weights)]
    baselines = {
        "effdet": [python, str(theirs / "effdet_loop.py"), *given],
        "ONNX Runtime": [python, str(theirs / "ort_loop.py"), *given, str(scratch / "baseline.onnx")],
    }
    ours = [python, str(REPOSITORY / "main.py"), "auto-label", given[0], "--model", given[1], "--device", "cpu"]
    ours += ["--variant", variant, "--out", str(scratch / "labels.json")]
    _, cold, _ = run(ours, cache=scratch)  # makes the graph
    runs = {name: Runs() for name in (*baselines, "ours")}
    for _ in range(repeats):
        for name, command in baselines.items():
            said, _, memory = run(command)
            runs[name].note(name, float(said.split()[-1]), memory)
        _, seconds, memory = run(ours, cache=scratch)
        runs["ours"].note("ours", count / seconds, memory)
    best = median(runs["ours"].rates)
    for name, done in runs.items():
        rates = ", ".join(f"{rate:.2f}" for rate in done.rates)
        print(f"{name:13} {median(done.rates):6.2f} images/s ({rates}), {median(done.memory):5.0f} MB", end="")
        print("" if name == "ours" else f", ours × {best / median(done.rates):.2f}")
    print(f"the first run of ours, with an empty cache: {cold - count / best:.1f} s longer, which the export takes")


def run(command: list[str], *, cache: Path | None = None) -> tuple[str, float, float]:
    """What a command prints, its seconds, and its memory in MB at most; with a cache of its own, if one is named."""
    # Compiled modules are kept, as they are where the program is used; a shell may have that switched off.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own |= {"XDG_CACHE_HOME": str(cache)} if cache else {}
    began = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=BASELINES, env=own, text=True
    )
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:3]} ended with {child.returncode}")
    return said, time.perf_counter() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
