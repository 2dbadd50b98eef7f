"""One optimiser step on the CPU: this program's against the plain effdet loop's, D0, batch 8.

python tests/benchmarks/training_step.py [--size 384] [--rounds 5] [--batch 8] [--only frozen|training]
Needs ../shared beside the repository. Both live in processes of their own and take turns, step by step, with as many
threads as OMP_NUM_THREADS says; the loop runs once as it is and once with its network channels-last. Labelling the
anchors, optimiser and averaging count, reading and augmenting pictures do not. Prints medians, their ratios, and the
most memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
RACCOON = SHARED / "data" / "raccoon"
STAND_IN = SHARED / "data" / "tf_efficientdet_d0-standin.pth"
SIDES = ("effdet", "effdet channels-last", "ours")
MODES = ("frozen", "training")
WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=MODES)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        (our_steps if asked.side == "ours" else their_steps)(asked)
        return
    for mode in MODES if asked.only is None else (asked.only,):
        compare(mode, asked)


def compare(mode: str, asked: argparse.Namespace) -> None:
    common = ["--size", str(asked.size), "--batch", str(asked.batch), "--only", mode]
    children = {name: start([*common, "--side", name]) for name in SIDES}
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    for turn in range(WARM_UP + asked.rounds):
        for name, child in children.items():
            taken = float(said(child, "step\n"))
            if turn >= WARM_UP:
                seconds[name].append(taken)
    memory = {name: float(said(child, "end\n")) for name, child in children.items()}
    best = median(seconds["ours"])
    print(
        f"batch norm {mode}, {asked.size} px, {asked.batch} images a step, {os.environ.get('OMP_NUM_THREADS')} threads"
    )
    for name in SIDES:
        all_of_them = ", ".join(f"{taken:.2f}" for taken in seconds[name])
        ratio = "" if name == "ours" else f", ours × {median(seconds[name]) / best:.2f}"
        print(f"  {name:21} {median(seconds[name]):.3f} s ({all_of_them}), {memory[name]:.0f} MB{ratio}", flush=True)


def start(arguments: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def said(child: subprocess.Popen[str], word: str) -> str:
    """What a child answers to a word; it prints other lines, too."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(word)
    child.stdin.flush()
    for line in child.stdout:
        if line.startswith("= "):
            return line[2:]
    raise SystemExit("a side has ended before its time")


def answer(number: float) -> None:
    print(f"= {number}", flush=True)


def wait_for_turn() -> None:
    """Until the parent wants a step; where it wants no more, tell the memory and end."""
    if sys.stdin.readline() != "step\n":
        answer(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        os._exit(0)


def their_steps(asked: argparse.Namespace) -> None:
    """The frozen loop itself, held up and timed where it asks for the first picture of a batch."""
    sys.path.insert(0, str(SHARED / "baselines"))
    import effdet_finetune
    import torch

    ready = [
        effdet_finetune.Data(RACCOON / "train.json", RACCOON / "images", 30, asked.size, 0).sample()
        for _ in range(asked.batch)
    ]
    given, finished = 0, 0.0

    def sample(_: object) -> object:
        nonlocal given, finished
        if given % asked.batch == 0:
            if given:
                answer(time.perf_counter() - finished)
            wait_for_turn()
        given += 1
        finished = time.perf_counter()
        return ready[given % asked.batch]

    build = effdet_finetune.build

    def channels_last(arguments: argparse.Namespace) -> object:
        return build(arguments).to(memory_format=torch.channels_last)

    effdet_finetune.Data.sample = sample
    if asked.side != "effdet":
        effdet_finetune.build = channels_last
    weights = str(STAND_IN) if asked.only == "frozen" else "random"
    sizes = ["--size", str(asked.size), "--batch", str(asked.batch), "--steps", "100000", "--limit", "10"]
    sys.argv = ["effdet_finetune.py", str(RACCOON / "train.json"), str(RACCOON / "images"), weights, *sizes]
    effdet_finetune.main()


def our_steps(asked: argparse.Namespace) -> None:
    import torch

    from detector.data import coco
    from detector.model.published import open_model
    from detector.model.variants import VARIANTS
    from detector.training.allocator import keep_pages
    from detector.training.augment import Augmentation
    from detector.training.budget import Moment
    from detector.training.dataset import training_samples
    from detector.training.learner import Learner
    from detector.training.loader import Loader
    from detector.training.options import FineTuneOptions
    from detector.training.ranks import Ranks
    from detector.training.transfer import adapt, random_model

    keep_pages()  # as the command does
    truth, _ = coco.read(RACCOON / "train.json")
    samples = training_samples(truth, {i.id: RACCOON / "images" / i.path for i in truth.images}, [1])[:30]
    trained = asked.only == "frozen"
    model = adapt(open_model(str(STAND_IN)), ["raccoon"], [1]) if trained else random_model(VARIANTS["d0"], ["a"], [1])
    options = FineTuneOptions(batch=asked.batch)
    learner = Learner(model, options, size=asked.size, ranks=Ranks(torch.device("cpu")), fresh=not trained)
    fill = model.info.normalisation.fill
    chances = {"seed": 0, "augmentation": Augmentation(), "fill": fill}
    loader = Loader(samples, image_size=asked.size, batch=asked.batch, threads=1, memory_limit=0, **chances)
    batch = next(loader.batches(0, 1))
    for step in range(100_000):
        wait_for_turn()
        began = time.perf_counter()
        learner.learn(batch, Moment(step, step / 1000, 1000))
        answer(time.perf_counter() - began)


if __name__ == "__main__":
    main()
