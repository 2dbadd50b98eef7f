"""The sample's loop without a window: label it, correct it, fine-tune on that, and look at pictures held back.

python tests/benchmarks/sample_loop.py [--model starter] [--minutes 4] [--held-back 5] [--further 50] [--seeds 0 1 2]
Offline, on the CPU. The corrected labels are the sample's truth, of all pictures but some that are held back, drawn by
the seed; of the others a fifth chooses the best checkpoint. Prints the seconds of each part, and AP and AP50 of the
model before and after on what was held back, and on --further generated pictures of benches like the sample's, since a
handful says little.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "resources" / "sample"
SEED = 910_101  # of the further pictures: neither the starter's nor the sample's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--held-back", type=int, default=5)
    parser.add_argument("--further", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        further = Path(folder) / "further"
        studio("workbench", further, "--count", asked.further, "--seed", SEED, "--withheld")
        for seed in asked.seeds:
            again(Path(folder) / str(seed), seed, asked, further / "labels.json")


def again(folder: Path, seed: int, asked: argparse.Namespace, further: Path) -> None:
    """The loop with one choice of pictures that are held back."""
    folder.mkdir()
    corrected, held_back = halves(seed, asked.held_back)
    (folder / "corrected.json").write_text(json.dumps(corrected))
    (folder / "held-back.json").write_text(json.dumps(held_back))
    labels, run = folder / "labels.json", folder / "run"
    labelling = studio("auto-label", SAMPLE / "images", "--model", asked.model, "--out", labels)
    words = ["--images", SAMPLE, "--model", asked.model, "--out", run, "--quick", "--minutes", asked.minutes]
    learning = studio("fine-tune", folder / "corrected.json", *words, "--device", "cpu", "--seed", seed)
    print(f"seed {seed}: labelled in {labelling:.0f} s, fine-tuned in {learning:.0f} s")
    for name, data, images in (("held back", folder / "held-back.json", SAMPLE), ("further", further, further.parent)):
        before, after = (measure(data, images, model) for model in (asked.model, run / "best.safetensors"))
        print(f"  {name:9}  AP {before[0]:.3f} → {after[0]:.3f}   AP50 {before[1]:.3f} → {after[1]:.3f}", flush=True)


def halves(seed: int, count: int) -> tuple[dict, dict]:
    """The truth of the pictures to learn from, and of `count` that are held back."""
    truth = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    chosen = {image["id"] for image in random.Random(seed).sample(truth["images"], count)}
    return only(truth, lambda image: image not in chosen), only(truth, lambda image: image in chosen)


def only(truth: dict, wanted: Callable[[int], bool]) -> dict:
    images = [image for image in truth["images"] if wanted(image["id"])]
    return {**truth, "images": images, "annotations": [one for one in truth["annotations"] if wanted(one["image_id"])]}


def measure(data: Path, images: Path, model: str | Path) -> tuple[float, float]:
    words = ["evaluate", data, "--images", images, "--model", model, "--json"]
    metrics = json.loads(shown(words))["metrics"]
    return metrics["AP"], metrics["AP50"]


def studio(*words: object) -> float:
    """The seconds that a command of the program takes."""
    began = time.monotonic()
    shown(words)
    return time.monotonic() - began


def shown(words: Iterable[object]) -> str:
    command = [sys.executable, str(REPOSITORY / "main.py"), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
