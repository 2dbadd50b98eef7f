"""Predictor: every source gets its answer, in order, and the exact way gives the reference's boxes."""

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, ClassVar

import effdet
import numpy as np
import pytest
import torch
from effdet.data.transforms import transforms_coco_eval
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from detector.boxes import Detections, iou
from detector.device import EngineKind
from detector.errors import ImageError, OptionsError
from detector.inference.predictor import WORKERS, Failure, Prediction, Predictor
from detector.inference.preprocess import Prepared, prepare
from detector.inference.sources import open_source
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model
from detector.model.info import IMAGENET
from detector.model.published import open_model

CPU = torch.device("cpu")
SHAPES = ((200, 90), (90, 200), (200, 200))  # height, width: three different inputs
Pixels = NDArray[np.uint8]


def picture(seed: int, height: int = 200, width: int = 90) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Nine pictures, of three shapes by turns."""
    paths = []
    for i in range(9):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(picture(i, *SHAPES[i % 3])).save(paths[-1])
    return paths


class RecordingEngine(TorchEngine):
    """The torch engine, with the sizes of its batches."""

    batches: ClassVar[list[int]]
    fits = 99  # images; above, the GPU is out of memory
    failure: RuntimeError = torch.OutOfMemoryError("CUDA out of memory")

    def outputs(self, images: Sequence[Pixels] | Pixels) -> tuple[Tensor, Tensor]:
        self.batches.append(len(images))
        if len(images) > self.fits:
            raise self.failure
        return super().outputs(images)


@pytest.fixture
def engine() -> type[RecordingEngine]:
    """A class of its own, whose batches nobody else fills."""

    class Engine(RecordingEngine):
        batches: ClassVar[list[int]] = []

    return Engine


def assert_close(found: Detections, expected: Detections) -> None:
    """The same detections up to rounding; nearly equal scores may stand in any order."""
    assert len(found) == len(expected)
    pairs = [np.lexsort((d.channels, d.anchors)) for d in (found, expected)]
    a, b = found.select(pairs[0]), expected.select(pairs[1])
    assert a.anchors.tolist() == b.anchors.tolist()
    assert a.channels.tolist() == b.channels.tolist()
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)
    np.testing.assert_allclose(a.boxes, b.boxes, atol=0.05)


def predictions(predictor: Predictor, sources: list[Path] | list[Pixels]) -> list[Prediction]:
    outcomes = list(predictor.run(sources))
    assert all(isinstance(outcome, Prediction) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, Prediction)]


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("prepare")]


@pytest.mark.parametrize("batch", [2, 8])
@pytest.mark.parametrize("exact", [True, False])
def test_batches_of_mixed_shapes_give_what_single_images_do_in_order(
    model: Model, files: list[Path], batch: int, exact: bool
) -> None:
    single = predictions(Predictor(TorchEngine(model, CPU, batch=1, exact=exact)), files)
    batched = predictions(Predictor(TorchEngine(model, CPU, batch=batch, exact=exact)), files)
    assert [p.source for p in batched] == [p.source for p in single] == files
    assert [(p.height, p.width) for p in batched] == [SHAPES[i % 3] for i in range(9)]
    assert len({p.detections.scores.tobytes() for p in single}) == 9  # so that a swap would show
    for found, expected in zip(batched, single, strict=True):
        assert len(found.detections) > 20
        assert_close(found.detections, expected.detections)


def test_arrays_give_what_their_files_do(model: Model, files: list[Path]) -> None:
    predictor = Predictor(TorchEngine(model, CPU))
    from_files = predictions(predictor, files[:3])
    from_arrays = predictions(predictor, [picture(i, *SHAPES[i % 3]) for i in range(3)])
    assert [p.source for p in from_arrays] == [0, 1, 2]
    for found, expected in zip(from_arrays, from_files, strict=True):
        assert_close(found.detections, expected.detections)


@pytest.mark.parametrize("batch", [1, 4])
def test_broken_files_fail_in_their_place_and_nothing_else_does(model: Model, files: list[Path], batch: int) -> None:
    for broken in (files[0], files[4], files[8]):
        broken.write_bytes(broken.read_bytes()[:60])
    files[5].unlink()
    outcomes = list(Predictor(TorchEngine(model, CPU, batch=batch)).run(files))
    assert [outcome.source for outcome in outcomes] == files
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert [failure.source for failure in failures] == [files[i] for i in (0, 4, 5, 8)]
    for failure in failures:
        assert isinstance(failure.error, ImageError)
        assert str(failure.source) in str(failure.error)


def test_nothing_but_broken_files_and_nothing_at_all(model: Model, tmp_path: Path) -> None:
    predictor = Predictor(TorchEngine(model, CPU))
    assert all(isinstance(outcome, Failure) for outcome in predictor.run([tmp_path / "a.png", tmp_path / "b.png"]))
    assert list(predictor.run([])) == []


def test_images_of_one_shape_share_batches_across_others(model: Model, engine: type[RecordingEngine]) -> None:
    sources = [picture(i, *SHAPES[i % 2]) for i in range(16)]
    assert len(predictions(Predictor(engine(model, CPU, batch=4)), sources)) == 16
    assert engine.batches == [4, 4, 4, 4]


def test_leaving_early_ends_the_threads_and_reads_no_further(model: Model, files: list[Path]) -> None:
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        for path in itertools.cycle(files):
            taken += 1
            yield path

    outcomes = Predictor(TorchEngine(model, CPU, batch=2)).run(endless())
    for _ in range(3):
        next(outcomes)
    assert reading_threads()
    assert taken <= 3 + max(8, 2 * WORKERS)
    before = taken
    outcomes.close()  # type: ignore[attr-defined]
    assert not reading_threads()
    assert taken == before


class PatientEngine(TorchEngine):
    """Computes until it is interrupted, or for a minute; `calls` under way, and those that were interrupted."""

    calls = 0
    interrupted = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._told = threading.Event()

    def interrupt(self) -> None:
        self._told.set()

    def detect(self, images: Sequence[Prepared]) -> list[Detections]:
        type(self).calls += 1
        if self._told.wait(60):
            type(self).interrupted += 1
            raise RuntimeError("interrupted")
        return super().detect(images)


def test_who_waits_is_given_pauses_and_leaving_in_one_interrupts_the_engine(model: Model, files: list[Path]) -> None:
    class Engine(PatientEngine):
        pass

    steps = Predictor(Engine(model, CPU)).steps(files)
    while not Engine.calls:
        assert next(steps) is None
    assert [next(steps) for _ in range(3)] == [None, None, None]
    steps.close()
    assert not reading_threads()
    assert (Engine.calls, Engine.interrupted) == (1, 1)  # and no further picture was begun


def test_an_interrupted_onnx_engine_gives_up_what_it_computes_and_works_on_afterwards() -> None:
    engine = open_source("starter", device="cpu").engine()
    prepared = prepare(picture(0, 500, 700), engine.info, exact=False)
    (expected,) = engine.detect([prepared])

    def detect_again_and_again() -> None:
        while True:
            engine.detect([prepared])

    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(detect_again_and_again)
        while not wait([under_way], timeout=0.01).done:
            engine.with_floor(0.5).interrupt()
        with pytest.raises(Exception, match="terminate"):
            under_way.result()
    (again,) = engine.detect([prepared])
    assert_close(again, expected)


def test_threads_end_when_the_sources_do_or_fail(model: Model, files: list[Path]) -> None:
    predictor = Predictor(TorchEngine(model, CPU))
    predictions(predictor, files[:2])
    assert not reading_threads()

    def failing() -> Iterator[Path]:
        yield files[0]
        raise ConnectionError("the share went away")

    with pytest.raises(ConnectionError, match="share"):
        list(predictor.run(failing()))
    assert not reading_threads()


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=["CUDA", "MPS", "cuDNN"],
)
def test_where_memory_is_short_batches_shrink_for_good_and_nothing_is_lost(
    model: Model, engine: type[RecordingEngine], failure: RuntimeError
) -> None:
    engine.failure = failure
    sources = [picture(i) for i in range(14)]
    expected = predictions(Predictor(TorchEngine(model, CPU, batch=7)), sources)
    engine.fits = 2
    found = predictions(Predictor(engine(model, CPU, batch=7)), sources)
    assert [size for size in engine.batches if size > 2] == [7, 4]  # no more than two are tried from then on
    for one, other in zip(found, expected, strict=True):
        assert one.source == other.source
        assert_close(one.detections, other.detections)


def test_other_errors_of_a_device_are_not_taken_for_a_lack_of_memory(
    model: Model, engine: type[RecordingEngine]
) -> None:
    engine.fits, engine.failure = 0, RuntimeError("an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal"):
        list(Predictor(engine(model, CPU, batch=4)).run([picture(0)] * 3))
    assert engine.batches == [3]


def test_an_image_that_never_fits_is_said_in_words(model: Model, engine: type[RecordingEngine]) -> None:
    engine.fits = 0
    with pytest.raises(OptionsError, match="256 × 128"):
        list(Predictor(engine(model, CPU, batch=4)).run([picture(0, 90, 200)] * 3))
    assert not reading_threads()


@pytest.mark.parametrize("exact", [True, False])
def test_only_the_named_channels_that_were_asked_for_come_out(model: Model, exact: bool) -> None:
    image = picture(3, 200, 200)

    def channels(asked: set[int] | None) -> set[int]:
        (found,) = predictions(Predictor(TorchEngine(model, CPU, exact=exact, channels=asked)), [image])
        return set(found.detections.channels.tolist())

    assert channels(None) == {0, 2}  # 1 is a gap
    assert channels({2}) == {2}
    assert channels({0, 1}) == {0}
    with pytest.raises(OptionsError, match="classes"):
        Predictor(TorchEngine(model, CPU, exact=exact, channels={1}))


def test_the_floor_is_the_lowest_score(model: Model) -> None:
    image = picture(3, 200, 200)
    (every,) = predictions(Predictor(TorchEngine(model, CPU, floor=0.0)), [image])
    (some,) = predictions(Predictor(TorchEngine(model, CPU, floor=0.75)), [image])
    assert every.detections.scores.min() < 0.75 <= some.detections.scores.min()
    assert_close(some.detections, every.detections.select(every.detections.scores >= 0.75))


def test_the_network_is_left_as_it_was(model: Model) -> None:
    network = model.network
    (expected,) = predictions(Predictor(TorchEngine(model, CPU)), [picture(0)])
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    try:
        (found,) = predictions(Predictor(TorchEngine(model, CPU)), [picture(0)])
        assert all(module.training for module in network.modules())
    finally:
        network.eval()
    assert_close(found.detections, expected.detections)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_the_exact_way_finds_the_references_boxes(shared_data: Path) -> None:
    """At least 99.5% of effdet's detections down to 0.001, within 0.1 px and 0.001 in score, on photographs."""
    checkpoint = shared_data / "tf_efficientdet_d0-standin.pth"
    bench = effdet.create_model("tf_efficientdet_d0", bench_task="predict", pretrained=False, pretrained_backbone=False)
    bench.model.load_state_dict(torch.load(checkpoint, weights_only=True))
    bench.eval()
    transform = transforms_coco_eval(512, use_prefetcher=True)
    mean, std = (torch.tensor(values).view(3, 1, 1) * 255 for values in (IMAGENET.mean, IMAGENET.std))
    photographs = sorted((shared_data / "coco-person" / "val").iterdir())[::100]
    assert len(photographs) == 6

    model = open_model(str(checkpoint), variant="d0")
    ours = predictions(Predictor(TorchEngine(model, CPU, exact=True, floor=0.001, batch=2)), photographs)
    total = met = 0
    for path, found in zip(photographs, ours, strict=True):
        image = Image.open(path).convert("RGB")
        pixels, info = transform(image, {})
        info = {"img_scale": torch.tensor([info["img_scale"]]), "img_size": torch.tensor([image.size]).float()}
        with torch.inference_mode():
            rows = bench(((torch.from_numpy(pixels) - mean) / std)[None], info)[0].numpy()
        rows = rows[rows[:, 4] >= 0.001]
        rows = rows[[model.info.classes[int(channel) - 1] is not None for channel in rows[:, 5]]]
        d = found.detections
        near = (
            (np.abs(rows[:, None, :4] - d.boxes).max(2) <= 0.1)
            & (np.abs(rows[:, None, 4] - d.scores) <= 1e-3)
            & (rows[:, None, 5] - 1 == d.channels)
        )
        total, met = total + len(rows), met + near.any(1).sum()
        assert len(d) == len(rows)
    assert total > 300
    assert met >= 0.995 * total


def sample_as_one(repository: Path) -> tuple[Pixels, NDArray[np.float64]]:
    """The sample pictures beside each other, four in a row, and the boxes of what they show."""
    sample = repository / "resources" / "sample"
    truth = json.loads((sample / "truth.json").read_text("utf-8"))
    rows, boxes = [], []
    for number, entry in enumerate(truth["images"]):
        y, x = (entry[side] * place for side, place in zip(("height", "width"), divmod(number, 4), strict=True))
        rows.append(np.asarray(Image.open(sample / entry["file_name"]).convert("RGB")))
        own = (item["bbox"] for item in truth["annotations"] if item["image_id"] == entry["id"])
        boxes.extend([left + x, top + y, left + width + x, top + height + y] for left, top, width, height in own)
    return np.vstack([np.hstack(rows[i : i + 4]) for i in range(0, len(rows), 4)]), np.array(boxes)


@pytest.mark.parametrize("kind", list(EngineKind))
def test_tiles_find_what_is_small_in_a_large_picture(kind: EngineKind, repository: Path, tmp_path: Path) -> None:
    picture, boxes = sample_as_one(repository)
    Image.fromarray(picture).save(tmp_path / "large.jpg", quality=95)
    predictor = Predictor(open_source("starter", device="cpu", kind=kind).engine(floor=0.35))

    def share_found(tiled: bool) -> float:
        (found,) = predictor.run([tmp_path / "large.jpg"], tiled=tiled)
        assert isinstance(found, Prediction)
        assert (found.height, found.width) == picture.shape[:2]
        for channel in set(found.detections.channels.tolist()):
            own = found.detections.boxes[found.detections.channels == channel]
            assert (np.triu(iou(own, own), 1) < 0.5).all()
        return float((iou(boxes, found.detections.boxes).max(axis=1, initial=0) >= 0.5).mean())

    assert share_found(tiled=False) < 0.1
    assert share_found(tiled=True) > 0.7


def test_tiles_change_nothing_for_small_pictures_and_keep_order_and_failures(
    model: Model, files: list[Path], engine: type[RecordingEngine]
) -> None:
    files[4].write_bytes(b"no picture")
    large = files[0].with_name("large.png")
    Image.fromarray(picture(0, 300, 600)).save(large)
    paths = [files[0], large, files[4], files[1]]
    recording = engine(model, CPU, batch=4)
    outcomes = list(Predictor(recording).run(paths, tiled=True))
    assert [outcome.source for outcome in outcomes] == paths
    assert isinstance(outcomes[2], Failure)
    assert recording.batches == [
        1,
        1,
        4,
        2,
        1,
    ]  # tall; the large one, its six tiles; wide
    for plain, outcome in zip(predictions(Predictor(TorchEngine(model, CPU)), files[:2]), outcomes[::3], strict=True):
        assert isinstance(outcome, Prediction)
        assert_close(outcome.detections, plain.detections)


def test_leaving_in_the_middle_of_many_tiles_takes_no_longer_than_a_batch(
    model: Model, engine: type[RecordingEngine]
) -> None:
    recording = engine(model, CPU, batch=1)
    outcomes = Predictor(recording).run([picture(0), picture(1, 4000, 6000)], tiled=True)
    next(outcomes)
    outcomes.close()
    assert len(recording.batches) < 8  # of some hundred
    assert not reading_threads()
