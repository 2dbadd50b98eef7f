"""What single factors of the fine-tuning recipe do, on few raccoons: a row is one option changed, over seeds.

python tests/benchmarks/ablation.py [--rows recipe frozen …] [--images 20] [--size 256] [--steps 100] [--seeds 0 1 2]
Needs ../shared beside the repository. Each run is one `fine-tune` command from the stand-in; its command, metrics and
course are added to ablation.jsonl beside this file, from which a run can be done again. Prints means and spreads.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean

import raccoon

RESULTS = Path(__file__).with_suffix(".jsonl")
ROWS = {
    "recipe": {},
    "frozen": {"--freeze": "backbone"},
    "low rate": {"--lr": 0.0005},
    "little jitter": {"--scale-min": 0.9, "--scale-max": 1.1},
    "mosaic": {"--mosaic": 0.5},
    "quick": {"--quick": None},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    for row in asked.rows:
        found = []
        for seed in asked.seeds:
            result = run(row, seed, asked)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            found.append(result["best"]["AP50"])
        print(f"{row:14} AP50 {mean(found):.3f} ({', '.join(f'{value:.3f}' for value in found)})", flush=True)


def run(row: str, seed: int, asked: argparse.Namespace) -> dict:
    """One run: what was asked for, and what its events say."""
    options = {"--image-size": asked.size, "--steps": asked.steps, "--batch": 8, "--seed": seed, **ROWS[row]}
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "train.json", Path(folder) / "run"
        data.write_text(json.dumps(raccoon.chosen(seed, asked.images)))
        events = raccoon.fine_tune(data, out, options)
    measured = [event for event in events if event["event"] == "Evaluated"]
    losses = [event["loss"] for event in events if event["event"] == "StepDone"]
    best = max(measured[1:], key=lambda event: event["metrics"]["AP"])["metrics"]
    words = " ".join(str(word) for pair in options.items() for word in pair if word is not None)
    return {
        "row": row,
        "images": asked.images,
        "seed": seed,
        "command": f"fine-tune --model tf_efficientdet_d0-standin.pth {words}",
        "best": {name: round(best[name], 4) for name in ("AP", "AP50")},
        "course": [[event["step"], round(event["metrics"]["AP50"], 4)] for event in measured],
        "last loss": round(mean(losses[-10:]), 4),
        "seconds": round(events[-1]["seconds"]),
    }


if __name__ == "__main__":
    main()
