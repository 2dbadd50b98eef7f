"""Fine-tune on 100 raccoons: this program against the plain effdet loop, at equal steps, batch, size and pictures, or
its quick mode in equal time.

python tests/benchmarks/raccoon.py [--seeds 0 1 2] [--steps 400] [--size 384] [--ours-only] [--minutes 10]
                                   [--at-once]
python tests/benchmarks/raccoon.py --start starter random [--seeds 0 1 2] [--steps 400] [--size 384]
Needs ../shared beside the repository. Prints AP and AP50 on raccoon/val.json per seed: ours of the best checkpoint
and of the last one, the baseline's of its last; and the images shown per second of training, of ours with measuring.
With --at-once both run at the same time, each with one thread on a core of its own: a noisy machine disturbs both
(Linux). With --start it is our runs from several models that are compared, at equal steps: what the starter is worth
on photographs of something else.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
RACCOON = SHARED / "data" / "raccoon"
STAND_IN = SHARED / "data" / "tf_efficientdet_d0-standin.pth"
IMAGES, BATCH = 100, 8
STARTS: dict[str, dict[str, object]] = {
    "stand-in": {"--model": STAND_IN},
    "starter": {"--model": "starter"},
    "random": {"--model": "d0", "--from-scratch": None},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--minutes", type=float, help="compare quick mode with the loop in this time, not in steps")
    parser.add_argument("--at-once", action="store_true", help="both at the same time, each on one core")
    parser.add_argument("--start", choices=STARTS, nargs="+", help="our runs alone, from these")
    asked = parser.parse_args()
    if asked.start:
        for seed, start in product(asked.seeds, asked.start):
            show_ours(seed, asked.size, {"--steps": asked.steps}, start=start)
        return
    own, theirs = {"--steps": asked.steps}, {"--steps": asked.steps}
    if asked.minutes:
        own = {"--quick": None, "--minutes": asked.minutes}
        theirs = {"--seconds": 60 * asked.minutes, "--steps": 10**9}
    for seed in asked.seeds:
        cores = (0, 1) if asked.at_once else (None, None)
        with ThreadPoolExecutor(2 if asked.at_once else 1) as pool:
            running = [pool.submit(show_ours, seed, asked.size, own, core=cores[0])]
            if not asked.ours_only:
                running.append(pool.submit(show_baseline, seed, asked.size, theirs, cores[1]))
            for each in running:
                each.result()


def show(title: str, metrics: Mapping[str, float], pace: float) -> None:
    print(
        f"{title:20} AP {metrics['AP']:.4f}  AP50 {metrics['AP50']:.4f}  {pace:.2f} presentations/s",
        flush=True,
    )


def show_ours(
    seed: int, size: int, budget: Mapping[str, object], *, core: int | None = None, start: str = "stand-in"
) -> None:
    """The metrics of the best and of the last evaluation of one run of `fine-tune`."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "train.json", Path(folder) / "run"
        data.write_text(json.dumps(chosen(seed)))
        common = {"--batch": BATCH, "--image-size": size, "--seed": seed}
        events = fine_tune(data, out, {**common, **STARTS[start], **budget}, core)
    measured = [event["metrics"] for event in events if event["event"] == "Evaluated" and event["step"]]
    pace = BATCH * events[-1]["step"] / events[-1]["seconds"]
    whose = "ours" if start == "stand-in" else start
    show(f"seed {seed}  {whose}, best", max(measured, key=lambda metrics: metrics["AP"]), pace)
    show(f"seed {seed}  {whose}, last", measured[-1], pace)


def fine_tune(data: Path, out: Path, options: Mapping[str, object], core: int | None = None) -> list[dict]:
    """The events of a run from the stand-in, measured on raccoon/val.json, unless the options say otherwise; an option
    without a value has None.
    """
    common = {"--images": RACCOON / "images", "--model": STAND_IN, "--out": out}
    common |= {"--val": RACCOON / "val.json", "--val-images": RACCOON / "images"}
    run(core, REPOSITORY / "main.py", "fine-tune", data, **{**common, **options})
    return [json.loads(line) for line in (out / "events.jsonl").read_text("utf-8").splitlines()]


def chosen(seed: int, count: int = IMAGES, file: Path = RACCOON / "train.json") -> dict:
    """The pictures that the baseline takes with this seed."""
    document = json.loads(file.read_text())
    images = random.Random(seed).sample(sorted(document["images"], key=lambda image: image["id"]), count)
    ids = {image["id"] for image in images}
    return {**document, "images": images, "annotations": [a for a in document["annotations"] if a["image_id"] in ids]}


def show_baseline(seed: int, size: int, budget: Mapping[str, object], core: int | None) -> None:
    """The metrics at the end of one run of the frozen effdet loop."""
    shown = run(
        core,
        SHARED / "baselines" / "effdet_finetune.py",
        RACCOON / "train.json",
        RACCOON / "images",
        STAND_IN,
        **{"--val": RACCOON / "val.json", "--val-images": RACCOON / "images", "--limit": IMAGES},
        **{"--batch": BATCH, "--size": size, "--seed": seed, **budget},
    )
    said = dict(line.split(" ", 1) for line in shown.splitlines())
    show(f"seed {seed}  effdet loop", json.loads(said["end"]), float(said["presentations/s"]))


def run(core: int | None, *arguments: str | Path, **options: object) -> str:
    """What a Python program prints; on one core alone, if that is named."""
    words = [*arguments, *(word for option in options.items() for word in option if word is not None)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # the baselines' folder is not ours to write to
    alone = [] if core is None else ["taskset", "--cpu-list", str(core)]
    if alone:
        environment |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [*alone, sys.executable, *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


if __name__ == "__main__":
    main()
