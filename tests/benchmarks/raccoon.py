"""Fine-tune on 100 raccoons: this program against the plain effdet loop, at equal steps, batch, size and pictures, or
its quick mode in equal time.

python tests/benchmarks/raccoon.py [--seeds 0 1 2] [--steps 400] [--size 384] [--ours-only] [--minutes 10]
Needs ../shared beside the repository. Prints AP and AP50 on raccoon/val.json per seed: ours of the best checkpoint
and of the last one, the baseline's of its last.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
RACCOON = SHARED / "data" / "raccoon"
STAND_IN = SHARED / "data" / "tf_efficientdet_d0-standin.pth"
IMAGES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--minutes", type=float, help="compare quick mode with the loop in this time, not in steps")
    asked = parser.parse_args()
    own, theirs = {"--steps": asked.steps}, {"--steps": asked.steps}
    if asked.minutes:
        own = {"--quick": None, "--minutes": asked.minutes}
        theirs = {"--seconds": 60 * asked.minutes, "--steps": 10**9}
    for seed in asked.seeds:
        with tempfile.TemporaryDirectory() as folder:
            for name, metrics in ours(Path(folder), seed, asked.size, own).items():
                show(f"seed {seed}  ours, {name}", metrics)
        if not asked.ours_only:
            show(f"seed {seed}  effdet loop", baseline(seed, asked.size, theirs))


def show(title: str, metrics: dict[str, float]) -> None:
    print(f"{title:24} AP {metrics['AP']:.4f}  AP50 {metrics['AP50']:.4f}", flush=True)


def ours(folder: Path, seed: int, size: int, budget: Mapping[str, object]) -> dict[str, dict[str, float]]:
    """The metrics of the best and of the last evaluation of one run of `fine-tune`."""
    data, out = folder / "train.json", folder / "run"
    data.write_text(json.dumps(chosen(seed)))
    events = fine_tune(data, out, {"--batch": 8, "--image-size": size, "--seed": seed, **budget})
    measured = [event["metrics"] for event in events if event["event"] == "Evaluated" and event["step"]]
    return {"best": max(measured, key=lambda metrics: metrics["AP"]), "last": measured[-1]}


def fine_tune(data: Path, out: Path, options: Mapping[str, object]) -> list[dict]:
    """The events of a run from the stand-in, measured on raccoon/val.json, unless the options say otherwise; an option
    without a value has None.
    """
    common = {"--images": RACCOON / "images", "--model": STAND_IN, "--out": out}
    common |= {"--val": RACCOON / "val.json", "--val-images": RACCOON / "images"}
    run(REPOSITORY / "main.py", "fine-tune", data, **{**common, **options})
    return [json.loads(line) for line in (out / "events.jsonl").read_text("utf-8").splitlines()]


def chosen(seed: int, count: int = IMAGES, file: Path = RACCOON / "train.json") -> dict:
    """The pictures that the baseline takes with this seed."""
    document = json.loads(file.read_text())
    images = random.Random(seed).sample(sorted(document["images"], key=lambda image: image["id"]), count)
    ids = {image["id"] for image in images}
    return {**document, "images": images, "annotations": [a for a in document["annotations"] if a["image_id"] in ids]}


def baseline(seed: int, size: int, budget: Mapping[str, object]) -> dict[str, float]:
    """The metrics at the end of one run of the frozen effdet loop."""
    shown = run(
        SHARED / "baselines" / "effdet_finetune.py",
        RACCOON / "train.json",
        RACCOON / "images",
        STAND_IN,
        **{"--val": RACCOON / "val.json", "--val-images": RACCOON / "images", "--limit": IMAGES},
        **{"--batch": 8, "--size": size, "--seed": seed, **budget},
    )
    return json.loads(next(line for line in shown.splitlines() if line.startswith("end ")).removeprefix("end "))


def run(*arguments: str | Path, **options: object) -> str:
    """What a Python program prints."""
    words = [*arguments, *(word for option in options.items() for word in option if word is not None)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # the baselines' folder is not ours to write to
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


if __name__ == "__main__":
    main()
