"""The measures are pycocotools' own, whatever the ids; thresholds are checked against brute force."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.boxes import Detections
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.errors import ImageError
from detector.inference.predictor import Failure, Prediction, Predictor
from detector.training.evaluation import LOWEST_THRESHOLD, METRICS, best_f1_threshold, evaluate, evaluate_model

CHANNELS = {0: 3, 1: 17, 5: 90}  # channel → class id; other channels belong to no class


def detections(rows):
    """Rows of x1, y1, x2, y2, score, channel."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    count = np.zeros(len(table), np.int64)
    return Detections(table[:, :4].astype(np.float32), table[:, 4].astype(np.float32), table[:, 5].astype(int), count)


def truth_of(boxes, images=1, classes=("bolt",), first=1):
    """Boxes are rows of image, class, x1, y1, x2, y2; images and classes are numbered from `first`."""
    return Dataset(
        tuple(ImageEntry(first + i, f"{i}.png", 640, 480) for i in range(images)),
        tuple(ObjectClass(first + i, name) for i, name in enumerate(classes)),
        tuple(Box(image, kind, tuple(xyxy)) for image, kind, *xyxy in boxes),
    )


def random_data(seed, images=25):
    """A data set with every trap (crowds, areas smaller than the box, empty images, an absent class) and detections."""
    rng = np.random.default_rng(seed)
    boxes, found = [], {}
    for image in range(1, images + 1):
        rows = []
        for _ in range(rng.integers(0, 9)):
            x, y = rng.uniform(0, 400, 2)
            width, height = np.exp(rng.uniform(1.5, 5.5, 2))
            kind = int(rng.choice([3, 17]))
            area = {"area": float(width * height * rng.uniform(0.3, 1))} if rng.random() < 0.7 else {}
            boxes.append(Box(image, kind, (x, y, x + width, y + height), bool(rng.random() < 0.15), extra=area))
            for _ in range(rng.integers(0, 4)):
                noisy = np.array([x, y, x + width, y + height]) + rng.normal(0, 0.06, 4) * ([width, height] * 2)
                rows.append([*noisy, round(rng.uniform(0.2, 1), 1), {3: 0, 17: 1}[kind] if rng.random() < 0.9 else 0])
        for _ in range(rng.integers(0, 130) if image % 3 else 0):
            x, y, width, height = rng.uniform(0, 300, 4)
            rows.append([x, y, x + width, y + height, round(rng.uniform(0, 0.6), 1), rng.choice([0, 1, 2, 5])])
        if image % 7:
            rows.sort(key=lambda row: -row[4])
            found[image] = detections(rows)
    entries = tuple(ImageEntry(i, f"{i}.png", 640, 480) for i in range(1, images + 1))
    classes = (ObjectClass(3, "bolt"), ObjectClass(17, "nut"), ObjectClass(90, "never there"))
    return Dataset(entries, classes, tuple(boxes)), found


def directly(truth, found, folder):
    """The run of pycocotools on a file written here by hand."""
    annotations = []
    for number, box in enumerate(truth.boxes, 1):
        x1, y1, x2, y2 = box.xyxy
        area = box.extra.get("area", (x2 - x1) * (y2 - y1))
        row = {"id": number, "image_id": box.image_id, "category_id": box.class_id, "iscrowd": int(box.iscrowd)}
        annotations.append({**row, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": area})
    categories = [{"id": kind.id, "name": kind.name} for kind in truth.classes]
    images = [{"id": image.id, "file_name": image.path, "width": 640, "height": 480} for image in truth.images]
    truth_file, results = folder / "truth.json", folder / "results.json"
    truth_file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    rows = [
        {"image_id": image, "category_id": CHANNELS[int(c)], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for image, one in found.items()
        for (x1, y1, x2, y2), score, c in zip(one.boxes.tolist(), one.scores.tolist(), one.channels, strict=True)
        if int(c) in CHANNELS
    ]
    results.write_text(json.dumps(rows))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth_file))
        run = COCOeval(coco, coco.loadRes(str(results)), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_pycocotools_says(seed, tmp_path):
    truth, found = random_data(seed)
    run = directly(truth, found, tmp_path)
    evaluation = evaluate(found.items(), truth, CHANNELS)
    expected = dict(zip(METRICS, run.stats, strict=True))
    assert 0.05 < expected["AP"] < 0.95
    assert evaluation.metrics == pytest.approx(expected, abs=1e-12)
    per_class = run.eval["precision"][:, :, :, 0, 2].mean(axis=(0, 1))
    assert evaluation.class_ap == pytest.approx({"bolt": per_class[0], "nut": per_class[1]})
    assert set(evaluation.thresholds) == {"bolt", "nut"}


def test_neither_the_order_of_the_images_nor_a_second_run_changes_anything():
    truth, found = random_data(5)
    backwards = list(found.items())[::-1]
    assert evaluate(backwards, truth, CHANNELS) == evaluate(found.items(), truth, CHANNELS)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_a_perfect_detector_gets_1_whatever_number_the_ids_start_with(first):
    boxes = [(10, 10, 30, 30), (50, 50, 110, 120), (200, 10, 400, 300)]
    truth = truth_of([(first, first, *box) for box in boxes], classes=("bolt", "nut"), first=first)
    found = detections([[*box, 0.9, 4] for box in boxes])
    evaluation = evaluate([(first, found)], truth, {4: first})
    assert evaluation.metrics == pytest.approx({**dict.fromkeys(METRICS, 1.0), "AR1": 1 / 3})
    assert evaluation.class_ap == pytest.approx({"bolt": 1.0})


def test_numbers_follow_the_images_when_one_of_them_is_0():
    boxes = {0: (10, 10, 50, 50), 1: (100, 100, 180, 180), 2: (5, 200, 90, 300)}
    truth = truth_of([(image, 0, *box) for image, box in boxes.items()], images=3, first=0)
    found = [(image, detections([[*box, 0.9, 0]])) for image, box in boxes.items()]
    assert evaluate(found, truth, {0: 0}).metrics["AP"] == pytest.approx(1)
    swapped = [(image, found[(image + 1) % 3][1]) for image in range(3)]
    assert evaluate(swapped, truth, {0: 0}).metrics["AP"] == 0


def test_what_is_undefined_is_left_out():
    truth = truth_of([(1, 1, 0, 0, 200, 200)], classes=("bolt", "nut"))
    evaluation = evaluate([(1, detections([[0, 0, 200, 200, 0.8, 0]]))], truth, {0: 1, 1: 2})
    assert set(METRICS) - set(evaluation.metrics) == {"APs", "APm", "ARs", "ARm"}
    assert set(evaluation.class_ap) == {"bolt"}
    assert evaluate([], truth_of([], images=0, classes=()), {}).metrics == {}


def test_without_detections_everything_is_0():
    truth = truth_of([(1, 1, 0, 0, 200, 200)], images=2)
    for found in ([], [(1, detections([])), (2, detections([]))]):
        evaluation = evaluate(found, truth, {0: 1})
        assert evaluation.metrics["AP"] == evaluation.metrics["AR100"] == evaluation.class_ap["bolt"] == 0
        assert evaluation.thresholds == {}


def test_false_alarms_on_images_without_boxes_count():
    truth = truth_of([(1, 1, 0, 0, 100, 100)], images=2)
    right, wrong = (1, detections([[0, 0, 100, 100, 0.5, 0]])), (2, detections([[0, 0, 100, 100, 0.9, 0]]))
    assert evaluate([right], truth, {0: 1}).metrics["AP50"] == pytest.approx(1)
    assert evaluate([right, wrong], truth, {0: 1}).metrics["AP50"] == pytest.approx(0.5)


def test_nothing_is_printed(capfd):
    truth, found = random_data(1, images=4)
    evaluate(found.items(), truth, CHANNELS)
    assert capfd.readouterr() == ("", "")


def test_a_detection_in_a_crowd_is_no_false_alarm_to_the_threshold():
    crowd = Box(1, 1, (200, 200, 400, 400), iscrowd=True)
    plain = truth_of([(1, 1, 0, 0, 100, 100)])
    truth = Dataset(plain.images, plain.classes, (*plain.boxes, crowd))
    alarms = [[250, 250, 350, 350, score, 0] for score in (0.9, 0.2, 0.2, 0.2)]  # all in the crowd
    found = [(1, detections([alarms[0], [0, 0, 100, 100, 0.5, 0], [0, 300, 50, 350, 0.3, 0], *alarms[1:]]))]
    assert evaluate(found, truth, {0: 1}).thresholds["bolt"] == pytest.approx(0.4)
    assert evaluate(found, plain, {0: 1}).metrics["AP50"] == pytest.approx(0.5)
    assert evaluate(found, truth, {0: 1}).metrics["AP50"] == pytest.approx(1)


def test_the_threshold_is_for_objects_found_at_an_iou_of_a_half():
    truth = truth_of([(1, 1, 0, 0, 100, 100)])
    assert set(evaluate([(1, detections([[0, 0, 100, 51, 0.9, 0]]))], truth, {0: 1}).thresholds) == {"bolt"}
    assert evaluate([(1, detections([[0, 0, 100, 49, 0.9, 0]]))], truth, {0: 1}).thresholds == {}


def f1(scores, correct, positives, threshold):
    shown = scores >= threshold
    return 2 * correct[shown].sum() / (shown.sum() + positives)


scored = st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=20)


@settings(max_examples=150)
@given(scored, st.integers(0, 10))
def test_no_other_threshold_has_a_better_f1(rows, missed):
    scores = np.array([score / 8 for score, _ in rows])
    correct = np.array([right for _, right in rows], bool)
    positives = int(correct.sum()) + missed
    threshold = best_f1_threshold(scores, correct, positives)
    candidates = np.linspace(LOWEST_THRESHOLD, 1.01, 400)
    best = max(f1(scores, correct, positives, t) for t in candidates) if positives else 0
    if threshold is None:
        assert best == 0
    else:
        assert threshold >= LOWEST_THRESHOLD
        assert f1(scores, correct, positives, threshold) == pytest.approx(best)


def test_equal_scores_are_taken_together():
    scores, correct = np.array([0.9, 0.5, 0.5, 0.5, 0.5]), np.array([True, True, False, False, False])
    assert best_f1_threshold(scores, correct, 2) == pytest.approx(0.7)


def test_a_threshold_lies_half_way_between_its_neighbours():
    scores, correct = np.array([0.3, 0.9, 0.5, 0.1]), np.array([False, True, True, False])
    assert best_f1_threshold(scores, correct, 2) == pytest.approx(0.4)
    assert best_f1_threshold(scores[1:2], correct[1:2], 1) == pytest.approx((0.9 + LOWEST_THRESHOLD) / 2)
    assert best_f1_threshold(np.array([0.04, 0.01]), np.array([True, True]), 2) is None


class Scripted(Predictor):
    """A predictor that answers by the file's name."""

    def __init__(self, answers):
        self.answers = answers

    def run(self, sources):
        for source in sources:
            assert isinstance(source, Path)
            answer = self.answers[source.name]
            yield Failure(source, answer) if isinstance(answer, ImageError) else Prediction(source, 640, 480, answer)


def test_a_model_is_measured_on_the_images_that_can_be_read():
    box = (10, 10, 100, 100)
    truth = truth_of([(image, 1, *box) for image in (1, 2, 3)], images=4)
    right, broken = detections([[*box, 0.9, 0]]), ImageError("b.png: broken")
    answers = {"a.png": right, "b.png": broken, "d.png": detections([])}
    paths = {1: Path("a.png"), 2: Path("b.png"), 4: Path("d.png")}  # image 3 has no file
    evaluation, failures = evaluate_model(Scripted(answers), truth, paths, {0: 1})
    assert [(one.source, one.error) for one in failures] == [(Path("b.png"), broken)]
    assert evaluation.metrics["AP"] == pytest.approx(1)
    answers["d.png"] = detections([[*box, 0.95, 0]])
    assert evaluate_model(Scripted(answers), truth, paths, {0: 1})[0].metrics["AP"] == pytest.approx(0.5)
