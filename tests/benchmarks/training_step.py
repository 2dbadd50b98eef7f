"""One optimiser step on the CPU: this program's against the plain effdet loop's, D0, batch 8.

python tests/benchmarks/training_step.py [--size 384] [--rounds 5] [--batch 8] [--only frozen|training|quick]
Needs ../shared beside the repository. Both live in processes of their own and take turns, step by step, with as many
threads as OMP_NUM_THREADS says; with one, processor time is taken, which other work on the machine hardly touches. The
loop runs once as it is and once with its network channels-last. Labelling the anchors, optimiser and averaging count,
reading and augmenting pictures do not. Prints medians, their ratios, and the most memory. For quick mode these are
steps of both its stages on kept features, and what follows for a run of it, the making of views and measuring left out.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
RACCOON = SHARED / "data" / "raccoon"
STAND_IN = SHARED / "data" / "tf_efficientdet_d0-standin.pth"
THEIRS = ("effdet", "effdet channels-last")
OURS = {"ours": 0, "ours, first stage": 3, "ours, second stage": 2}  # the backbone's maps that are given
MODES = {"frozen": (*THEIRS, "ours"), "training": (*THEIRS, "ours"), "quick": (*THEIRS, *list(OURS)[1:])}
WARM_UP = 2
now = time.process_time if os.environ.get("OMP_NUM_THREADS") == "1" else time.perf_counter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=MODES)
    parser.add_argument("--side", choices=(*THEIRS, *OURS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        (our_steps if asked.side in OURS else their_steps)(asked)
        return
    for mode in MODES if asked.only is None else (asked.only,):
        compare(mode, asked)


def compare(mode: str, asked: argparse.Namespace) -> None:
    common = ["--size", str(asked.size), "--batch", str(asked.batch), "--only", mode]
    children = {name: start([*common, "--side", name]) for name in MODES[mode]}
    seconds: dict[str, list[float]] = {name: [] for name in MODES[mode]}
    for turn in range(WARM_UP + asked.rounds):
        for name, child in children.items():
            taken = float(said(child, "step\n"))
            if turn >= WARM_UP:
                seconds[name].append(taken)
    memory = {name: float(said(child, "end\n")) for name, child in children.items()}
    typical = {name: median(taken) for name, taken in seconds.items()}
    ours = 1 / sum(share / typical[name] for name, share in shares(mode).items())
    print(f"{mode}, {asked.size} px, {asked.batch} images a step, {os.environ.get('OMP_NUM_THREADS')} threads")
    for name, taken in seconds.items():
        all_of_them = ", ".join(f"{one:.2f}" for one in taken)
        ratio = f", ours × {typical[name] / ours:.2f}" if name in THEIRS else ""
        print(f"  {name:21} {typical[name]:.3f} s ({all_of_them}), {memory[name]:.0f} MB{ratio}", flush=True)


def shares(mode: str) -> dict[str, float]:
    """The share of a run's time that our steps of each kind take."""
    if mode != "quick":
        return {"ours": 1.0}
    sys.path.insert(0, str(REPOSITORY))
    from detector.training.quick import STAGES

    ends = [0.0, *(stage.until for stage in STAGES)]
    lengths = [end - start for start, end in pairwise(ends)]
    return dict(zip(list(OURS)[1:], lengths, strict=True))


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
                answer(now() - finished)
            wait_for_turn()
        given += 1
        finished = now()
        return ready[given % asked.batch]

    build = effdet_finetune.build

    def channels_last(arguments: argparse.Namespace) -> object:
        return build(arguments).to(memory_format=torch.channels_last)

    effdet_finetune.Data.sample = sample
    if asked.side != "effdet":
        effdet_finetune.build = channels_last
    weights = str(STAND_IN) if asked.only != "training" else "random"
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
    from detector.training.quick import FeatureLoader
    from detector.training.ranks import Ranks
    from detector.training.transfer import adapt, random_model

    keep_pages()  # as the command does
    truth, _ = coco.read(RACCOON / "train.json")
    samples = training_samples(truth, {i.id: RACCOON / "images" / i.path for i in truth.images}, [1])[:30]
    trained = asked.only != "training"
    model = adapt(open_model(str(STAND_IN)), ["raccoon"], [1]) if trained else random_model(VARIANTS["d0"], ["a"], [1])
    options = FineTuneOptions(batch=asked.batch)
    learner = Learner(model, options, size=asked.size, ranks=Ranks(torch.device("cpu")), fresh=not trained)
    fill = model.info.normalisation.fill
    chances = {"seed": 0, "augmentation": Augmentation(), "fill": fill}
    loader = Loader(samples, image_size=asked.size, batch=asked.batch, threads=1, memory_limit=0, **chances)
    source: Loader | FeatureLoader = loader
    if given := OURS[asked.side]:
        learner.freeze(given)
        source = FeatureLoader(loader, learner, samples=len(samples), seed=0, memory_limit=10**9)
    batch = next(source.batches(0, 1))
    for step in range(100_000):
        wait_for_turn()
        began = now()
        learner.learn(batch, Moment(step, step / 1000, 1000))
        answer(now() - began)


if __name__ == "__main__":
    main()
