"""How long a run of fine-tuning takes to end after a person asks it to stop: on the CPU, in the middle of anything.

python tests/benchmarks/stopping_runs.py [--variants d0 d4] [--quick] [--after 20 45 90]
Needs ../shared beside the repository. Raccoons, from random weights at the variant's own size, of which a CPU takes
many seconds for a step. A file named "stop" is laid into the run's folder so many seconds after its process began.
Prints what the run was at, the seconds until its process is gone, and the checkpoints that are left.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import raccoon

sys.path.insert(0, str(raccoon.REPOSITORY))

from detector.model.checkpoint import save
from detector.model.variants import VARIANTS
from detector.training.run_folder import EVENTS, STOP_FILE
from detector.training.transfer import random_model

PATIENCE = 600.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["d0", "d4"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--after", nargs="+", type=float, default=[20.0, 45.0, 90.0], metavar="SECONDS")
    asked = parser.parse_args()
    for variant in asked.variants:
        for seconds in asked.after:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{variant}, stopped {stop(Path(folder), variant, asked, seconds)}", flush=True)


def stop(folder: Path, variant: str, asked: argparse.Namespace, seconds: float) -> str:
    """One run and its stop, in words."""
    data, out, model = folder / "train.json", folder / "run", folder / "random.safetensors"
    save(random_model(VARIANTS[variant], ["raccoon"], [1]), model)
    data.write_text(json.dumps(raccoon.chosen(0, 40)))
    words = ["fine-tune", data, "--images", raccoon.RACCOON / "images", "--out", out, "--batch", asked.batch]
    words += ["--val", raccoon.RACCOON / "val.json", "--val-images", raccoon.RACCOON / "images"]
    words += ["--model", model, "--device", "cpu"]
    words += ["--quick", "--minutes", 30] if asked.quick else ["--steps", 200]
    command = [sys.executable, str(raccoon.REPOSITORY / "main.py"), *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(seconds)
        at = what(out)
        (out / STOP_FILE).touch()
        began = time.monotonic()
        process.wait(PATIENCE)
    finally:
        process.kill()
    took = time.monotonic() - began
    kept = ", ".join(sorted(path.name for path in out.glob("*.safetensors"))) or "none"
    return f"{seconds:.0f} s after its start, {at}: over after {took:.1f} s; {kept}"


def what(out: Path) -> str:
    """Of what the run told last."""
    lines = (out / EVENTS).read_text("utf-8").splitlines()
    last = json.loads(lines[-1])
    return f"after {last['event']} of step {last.get('step', 0)}"


if __name__ == "__main__":
    main()
