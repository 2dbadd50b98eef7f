"""One of the processes of test_ranks: three steps on its part of each batch, then its weights into a file; the same
once more where batch norms learn their statistics, too.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from detector.model.published import open_model
from detector.training.augment import Augmentation
from detector.training.budget import Moment
from detector.training.dataset import training_samples
from detector.training.learner import Learner
from detector.training.loader import Loader
from detector.training.options import FineTuneOptions
from detector.training.ranks import Ranks, process_group
from detector.training.transfer import adapt

STEPS, SIZE, WHOLE = 3, 128, 4
WEIGHTS, STATISTICS = "weights.safetensors", "statistics.safetensors"


def train(ranks: Ranks, data: Path, out: Path) -> None:
    """`data` holds a COCO file and its pictures. Writes the losses and the weights, of both, below out/RANK."""
    folder = out / str(ranks.rank)
    folder.mkdir()
    for name in (WEIGHTS, STATISTICS):
        save_file(_learnt(ranks, data, trains_statistics=name == STATISTICS), folder / name)


def _learnt(ranks: Ranks, data: Path, *, trains_statistics: bool) -> dict[str, torch.Tensor]:
    from detector.data import coco

    truth, _ = coco.read(data / "labels.json")
    samples = training_samples(truth, {image.id: data / image.path for image in truth.images}, [1])
    model = adapt(open_model("starter"), ["bolt"], [1])
    options = FineTuneOptions(batch=WHOLE // ranks.count)
    learner = Learner(model, options, size=SIZE, ranks=ranks, fresh=False)
    learner.trains_statistics = trains_statistics
    loader = Loader(
        samples,
        image_size=SIZE,
        batch=WHOLE,
        seed=0,
        augmentation=Augmentation(),
        fill=model.info.normalisation.fill,
        threads=1,
        memory_limit=10**8,
        share=(ranks.rank, ranks.count),
    )
    losses = []
    for step, batch in enumerate(loader.batches(0, STEPS)):
        assert len(batch.images) == options.batch
        if (done := learner.learn(batch, Moment(step, step / STEPS, STEPS))) is not None:
            losses.append([done.total, done.class_loss, done.box_loss])
    tensors = {name: tensor.contiguous() for name, tensor in learner.network.state_dict().items()}
    return {**tensors, "losses": torch.tensor(losses)}


if __name__ == "__main__":
    with process_group(torch.device("cpu")) as ranks:
        train(ranks, Path(sys.argv[1]), Path(sys.argv[2]))
