"""What single factors of the fine-tuning recipe do on few images: a row is one option changed, over seeds.

python tests/benchmarks/ablation.py [--rows recipe frozen …] [--images 20 100 500] [--size 256] [--steps 60]
    [--seeds 0 1 2] [--plan] [--rerun ROW]
Needs ../shared beside the repository. Each run is one `fine-tune` command: up to 140 images are raccoons, from the
stand-in; more are people, from the starter. Its metrics, course and losses are added to ablation.jsonl beside this
file, with the command that does it again; what is there already is not done twice. --plan only says what there is to
do. --rerun does the first recorded run of a row again, and says whether it lands within its seeds' spread. Prints means
and spreads of AP50.
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path
from statistics import mean

import raccoon

RESULTS = Path(__file__).with_suffix(".jsonl")
PEOPLE = raccoon.SHARED / "data" / "coco-person"
RACCOONS, MEASURED = 140, 60  # training images that there are, and images to measure on
PARTS = 10  # of the losses' course
SETTING = ("row", "images", "size", "steps", "seed")
ROWS = {
    "recipe": {},
    "frozen": {"--freeze": "backbone"},
    "low rate": {"--lr": 0.0005},
    "little jitter": {"--scale-min": 0.9, "--scale-max": 1.1},
    "mosaic": {"--mosaic": 0.5},
    "quick": {"--quick": None},
}
Setting = tuple[str, int, int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--images", type=int, nargs="+", default=[20])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--rerun", choices=ROWS, metavar="ROW")
    asked = parser.parse_args()
    if asked.rerun:
        rerun(asked.rerun)
        return
    known = {setting(result) for result in recorded()}
    settings = list(product(asked.rows, asked.images, [asked.size], [asked.steps], asked.seeds))
    todo = [one for one in settings if one not in known]
    print(f"{len(settings)} runs, of which {len(settings) - len(todo)} are recorded already; to do:")
    print("\n".join(command(one) for one in todo), flush=True)
    for one in [] if asked.plan else todo:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run(one)) + "\n")
    show(settings)


def recorded() -> list[dict]:
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()] if RESULTS.exists() else []


def setting(result: dict) -> Setting:
    return tuple(result[name] for name in SETTING)  # type: ignore[return-value]


def command(wanted: Setting) -> str:
    """What a person types for one run."""
    row, images, size, steps, seed = wanted
    words = f"--rows {row!r} --images {images} --size {size} --steps {steps} --seeds {seed}"
    return f"python tests/benchmarks/ablation.py {words}"


def show(settings: list[Setting]) -> None:
    """A line for each row and number of images of which runs are recorded."""
    results = {setting(result): result["best"]["AP50"] for result in recorded()}
    for row, images in dict.fromkeys((row, images) for row, images, *_ in settings):
        found = [results[one] for one in settings if one[:2] == (row, images) and one in results]
        if found:
            print(f"{row:14} {images:4} images  AP50 {mean(found):.3f} ({', '.join(f'{one:.3f}' for one in found)})")


def rerun(row: str) -> None:
    """Raises SystemExit where the row is not recorded, or a run of it lands elsewhere now."""
    of_row = [result for result in recorded() if result["row"] == row]
    if not of_row:
        raise SystemExit(f"No run of {row!r} is recorded in {RESULTS}.")
    first = setting(of_row[0])
    spread = [result["best"]["AP50"] for result in of_row if setting(result)[:-1] == first[:-1]]
    print(command(first), flush=True)
    again = run(first)["best"]["AP50"]
    lands = min(spread) <= again <= max(spread)
    print(f"AP50 {again:.4f}; of the {len(spread)} recorded seeds {min(spread):.4f} to {max(spread):.4f}")
    raise SystemExit(None if lands else "It does not land within the spread of its seeds.")


def run(wanted: Setting) -> dict:
    """One run: what was asked for, and what its events say."""
    row, images, size, steps, seed = wanted
    options = {"--image-size": size, "--steps": steps, "--batch": 8, "--seed": seed, **ROWS[row]}
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "train.json", Path(folder) / "run"
        if images <= RACCOONS:
            data.write_text(json.dumps(raccoon.chosen(seed, images)))
        else:
            data.write_text(json.dumps(raccoon.chosen(seed, images, PEOPLE / "train.json")))
            options |= people(Path(folder))
        events = raccoon.fine_tune(data, out, options)
    measured = [event for event in events if event["event"] == "Evaluated"]
    losses = [event["loss"] for event in events if event["event"] == "StepDone"]
    length = -(-len(losses) // PARTS)
    best = events[-1]["metrics"]
    return {
        **dict(zip(SETTING, wanted, strict=True)),
        "command": command(wanted),
        "best": {name: round(best[name], 4) for name in ("AP", "AP50")},
        "course": [[event["step"], round(event["metrics"]["AP50"], 4)] for event in measured],
        "losses": [round(mean(losses[start : start + length]), 4) for start in range(0, len(losses), length)],
        "seconds": round(events[-1]["seconds"]),
    }


def people(folder: Path) -> dict[str, object]:
    """The options for photographs of people: always the same ones to measure on, from a model that knows them a little,
    from these training images among others.
    """
    validation = folder / "val.json"
    validation.write_text(json.dumps(raccoon.chosen(0, MEASURED, PEOPLE / "val.json")))
    pictures = {"--images": PEOPLE / "train", "--val": validation, "--val-images": PEOPLE / "val"}
    return {**pictures, "--model": "starter"}


if __name__ == "__main__":
    main()
