"""The command line, run as its users run it: what it writes, what it says, and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.boxes import Detections
from detector.cli import run
from detector.commands.auto_label import channel_classes, scored_boxes
from detector.commands.fine_tune import evaluation_line
from detector.data import labels
from detector.data.annotations import ObjectClass
from detector.data.project.store import Project
from detector.events import Evaluated, RunStarted
from detector.files import file_key
from detector.inference.predictor import Prediction
from detector.model.checkpoint import Model, load, save
from detector.model.coco_names import coco_classes
from detector.model.variants import VARIANTS
from detector.model.weights import STARTER
from detector.starter.curriculum import KEPT
from detector.training.transfer import random_model

MAIN = Path(__file__).parents[2] / "main.py"
NAMES = ("bolt", None, "[red]nüt[/red]")
IDS = (1, 2, 3)
SIZE = 128
BAD_NAME = "broken\x1b[31m\n.jpg"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs main.py's command line in this process."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["main.py", *map(str, arguments)])
        capsys.readouterr()  # what the test itself has printed
        with pytest.raises(SystemExit) as ended:
            run()
        streams = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), streams.out, streams.err)

    return call


def program(*arguments: object) -> list[str]:
    return [sys.executable, str(MAIN), *map(str, arguments)]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random D0 of two classes and a gap; its logits spread around −2.2."""
    made = random_model(VARIANTS["d0"], ["bolt", "gap", NAMES[2]], IDS, seed=0)
    network = made.network.eval()
    with torch.no_grad():
        logits, _ = network(torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)))
        predict = network.class_net.predict.conv_pw
        assert predict.bias is not None
        predict.weight.div_(logits.std())
        predict.bias.fill_(-2.2)
    info = replace(made.info, classes=NAMES, image_size=SIZE, thresholds={"bolt": 0.5})
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    save(Model(network, info), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, one of them in a folder below, and a file that is none."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, (width, height) in {"2.png": (96, 64), "10.png": (64, 96), "below/ä.png": (128, 80)}.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    (root / BAD_NAME).write_bytes(b"no picture")
    return root


@pytest.fixture
def labelled(folder: Path, tmp_path: Path) -> Path:
    """A COCO file of the pictures, its ids unlike those that auto-label would choose."""
    images = [
        {"id": 70, "file_name": "below/ä.png"},
        {"id": 30, "file_name": "2.png"},
        {"id": 50, "file_name": "10.png"},
    ]
    categories = [{"id": 9, "name": "Bolt"}, {"id": 4, "name": NAMES[2]}]
    boxes = [(70, 9, [10, 10, 40, 30]), (70, 4, [60, 30, 50, 40]), (30, 9, [5, 5, 60, 50]), (50, 4, [0, 20, 64, 60])]
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "iscrowd": 0,
        }
        for number, (image, category, bbox) in enumerate(boxes, 1)
    ]
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"info": {}, "images": images, "annotations": annotations, "categories": categories}))
    return path


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    """A COCO file of a picture that is not among the others, beside it."""
    path = tmp_path / "held-out" / "val.json"
    path.parent.mkdir()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)).save(path.parent / "4.png")
    box = {"id": 1, "image_id": 1, "category_id": 9, "bbox": [5, 5, 60, 50]}
    document = {"images": [{"id": 1, "file_name": "4.png"}], "categories": [{"id": 9, "name": "Bolt"}]}
    path.write_text(json.dumps({**document, "annotations": [box]}))
    return path


def read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_help_is_light_and_lists_the_commands() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", str(MAIN), "--help"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    for name in ("auto-label", "fine-tune", "evaluate", "fusion", "workbench"):
        assert f"  {name} " in shown.stdout
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "detector.cli" in imported
    assert not imported & {"torch", "torchvision", "cv2", "numpy", "pycocotools", "PySide6"}


def test_a_folder_is_labelled_and_bad_files_are_listed_at_the_end(
    folder: Path, model_file: Path, tmp_path: Path
) -> None:
    out, results = tmp_path / "new" / "labels.json", tmp_path / "results.json"
    ended = subprocess.run(
        program(
            "auto-label",
            folder,
            "--model",
            model_file,
            "--score",
            0.5,
            "--out",
            out,
            "--results",
            results,
            "--device",
            "cpu",
        ),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stderr
    *_, bad, summary = ended.stderr.splitlines()
    assert bad.startswith(f"error: {folder}/broken\\x1b[31m\\n.jpg: ")
    assert summary.startswith("1 of 4 images")
    assert all(c.isprintable() or c == "\n" for c in ended.stdout + ended.stderr)  # no bar, no colours

    document = read(out)
    sizes = {"2.png": (96, 64), "10.png": (64, 96), "below/ä.png": (128, 80)}
    assert [image["id"] for image in document["images"]] == [1, 2, 3]
    assert {image["file_name"]: (image["width"], image["height"]) for image in document["images"]} == sizes
    assert [image["file_name"] for image in document["images"]][:2] == ["2.png", "10.png"]
    assert document["categories"] == [{"id": 1, "name": "bolt"}, {"id": 3, "name": NAMES[2]}]
    assert [box["id"] for box in document["annotations"]] == list(range(1, len(document["annotations"]) + 1))
    assert document["annotations"]
    shapes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    for box in document["annotations"]:
        x, y, width, height = box["bbox"]
        assert x >= 0
        assert y >= 0
        assert width > 0
        assert height > 0
        assert x + width <= shapes[box["image_id"]][0] + 1e-4
        assert y + height <= shapes[box["image_id"]][1] + 1e-4
        assert "score" not in box
    assert len(COCO(str(out)).loadRes(str(results)).anns) == len(document["annotations"])
    found = json.loads(results.read_text("utf-8"))
    assert min(box["score"] for box in found) >= 0.5
    assert [box["bbox"] for box in found] == [box["bbox"] for box in document["annotations"]]


def test_boxes_are_cut_at_the_border_and_lost_beyond_it() -> None:
    boxes = np.array([[-5, 2, 20, 200], [10, 10, 12, 13], [130, 5, 140, 9]], np.float32)
    found = Detections(boxes, np.full(3, 0.5, np.float32), np.array([2, 0, 0]), np.arange(3))
    classes = {0: ObjectClass(1, "bolt"), 2: ObjectClass(9, "nut")}
    kept = list(scored_boxes(Prediction(Path("a.png"), 128, 80, found), 7, classes))
    assert [(box.image_id, box.class_id, box.xyxy) for box in kept] == [
        (7, 9, (0, 2, 20, 80)),
        (7, 1, (10, 10, 12, 13)),
    ]


def test_coco_models_keep_cocos_category_ids() -> None:
    classes = channel_classes(coco_classes(), range(1, 91), [])
    assert len(classes) == 80
    assert [(channel, item.id, item.name) for channel, item in classes.items()][-1] == (89, 90, "toothbrush")
    assert [item.id for item in channel_classes(coco_classes(), range(1, 91), ["stop sign"]).values()] == [13]


def test_an_evaluation_line_tells_the_pace_and_what_is_undefined() -> None:
    started = RunStarted("d0", ("bolt",), 128, 10, 2, 100, 5, "CPU", step=20)
    line = evaluation_line(Evaluated(40, {"AP50": 0.5}), started, [1.0, 2.0], 90.0)
    assert evaluation_line(Evaluated(0, {"AP": 0.25}), started, [], 3.0) == "start · AP 0.2500 · AP50 –"
    blend = evaluation_line(Evaluated(100, {"AP": 0.5}, blended=True), started, [], 90.0)
    assert blend == "a blend with the start, which is kept as the best · AP 0.5000 · AP50 –"
    assert line == "epoch 20.0 · step 40/100 · loss 1.5000 · AP – · AP50 0.5000 · 0:01:30 elapsed · 0:04:30 left"


def test_the_models_own_thresholds_hold_where_no_score_is_given(
    command: Command, folder: Path, model_file: Path, tmp_path: Path
) -> None:
    out, results = tmp_path / "labels.json", tmp_path / "results.json"
    assert command("auto-label", folder, "--model", model_file, "--out", out, "--results", results).code == 0
    found = read(results)
    expected = [box["bbox"] for box in found if box["score"] >= {1: 0.5, 3: 0.35}[box["category_id"]]]
    assert [box["bbox"] for box in read(out)["annotations"]] == expected
    scores = [box["score"] for box in found]
    assert 0.05 <= min(scores) < 0.35
    assert {box["category_id"] for box in found} == {1, 3}


def test_images_without_boxes_are_kept(command: Command, folder: Path, model_file: Path, tmp_path: Path) -> None:
    assert command("auto-label", folder, "--model", model_file, "--out", tmp_path / "l.json", "--score", 1).code == 0
    document = read(tmp_path / "l.json")
    assert (len(document["images"]), document["annotations"]) == (3, [])


def test_only_the_classes_asked_for(command: Command, folder: Path, model_file: Path, tmp_path: Path) -> None:
    arguments = ("auto-label", folder, "--model", model_file, "--out", tmp_path / "l.json", "--score", 0.1, "--only")
    assert command(*arguments, "bolt").code == 0
    document = read(tmp_path / "l.json")
    assert [item["name"] for item in document["categories"]] == ["bolt"]
    assert {box["category_id"] for box in document["annotations"]} == {1}
    unknown = command(*arguments, "screw")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("error: The model does not know “screw”; it knows")


def test_tiles_are_an_option_of_a_pass(command: Command, model_file: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 3 * SIZE, 3), np.uint8)
    (tmp_path / "wide").mkdir()
    Image.fromarray(pixels).save(tmp_path / "wide" / "1.png")
    arguments = ("auto-label", tmp_path / "wide", "--model", model_file)
    sides = []
    for more in ((), ("--tiles",)):
        assert command(*arguments, "--out", tmp_path / "l.json", "--score", 0.1, *more).code == 0
        sides.append(np.median([max(box["bbox"][2:]) for box in read(tmp_path / "l.json")["annotations"]]))
    assert sides[1] < 0.6 * sides[0]  # anchors that were seen at a third of the size are seen in full
    assert command(*arguments, "--into-project", "--tiles").code == 0
    with closing(Project.open(tmp_path / "wide")) as project:
        (made,) = project.passes.all()
        assert made.tiled
        assert not project.predictions.coverage(file_key(model_file), project.images()).shown
        assert project.predictions.coverage(made.model_key, project.images()).shown


def test_auto_label_puts_a_pass_into_the_project_of_a_folder(command, model_file: Path, folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "mine")
    arguments = ("auto-label", tmp_path / "mine", "--model", model_file, "--into-project")
    ended = command(*arguments)
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'mine'}: 3 images labelled; open it in the window to review\n")
    assert "cannot be decoded" in ended.err
    with closing(Project.open(tmp_path / "mine")) as project:
        (made,) = project.passes.all()
        assert (made.model, Path(made.source)) == ("small", model_file)
        assert project.predictions.coverage(file_key(model_file), project.images()).shown == set(
            project.predictions.seen_by(made.id)
        )
        assert sorted(item.name for item in project.classes()) == sorted({"bolt", NAMES[2]})
        seen = {project.image(image_id).path for image_id, _, found in project.predictions.all() if len(found)}
        assert seen == {"2.png", "10.png", "below/ä.png"}
        assert not project.box_counts()
        refused = command(*arguments)  # this test is the window that has it open
    assert refused.code == 1
    assert "another window" in refused.err


def test_evaluate_measures_what_auto_label_writes_under_the_same_ids(
    command: Command, folder: Path, labelled: Path, model_file: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.json"
    arguments = ("--out", tmp_path / "l.json", "--results", results, "--score", 0, "--ids", labelled)
    assert command("auto-label", folder, "--model", model_file, *arguments).code == 0
    assert {(image["id"], image["file_name"]) for image in read(tmp_path / "l.json")["images"]} == {
        (70, "below/ä.png"),
        (30, "2.png"),
        (50, "10.png"),
    }
    assert {box["category_id"] for box in read(results)} == {4, 9}
    truth = COCO(str(labelled))
    measure = COCOeval(truth, truth.loadRes(str(results)), "bbox")
    measure.evaluate()
    measure.accumulate()
    measure.summarize()
    command_line = ("evaluate", labelled, "--images", folder, "--model", model_file)
    measured = json.loads(subprocess.run(program(*command_line, "--json"), capture_output=True, check=True).stdout)
    assert measured["images"] == 3
    defined = [None if value < 0 else pytest.approx(value, abs=1e-9) for value in measure.stats]
    assert list(measured["metrics"].values()) == defined
    assert set(measured["class_ap"]) == {"Bolt", NAMES[2]}
    assert any(measured["metrics"][name] for name in ("AP", "AR100"))
    rows = command(*command_line).out.splitlines()
    assert rows[0] == f"{measured['metrics']['AP']:.4f}  AP"
    assert rows[-2].endswith(f"  AP of {NAMES[2]}")


def test_classes_the_model_does_not_know_are_named_and_count(
    command: Command, folder: Path, labelled: Path, model_file: Path
) -> None:
    document = read(labelled)
    document["categories"][0]["name"] = "screw"
    labelled.write_text(json.dumps(document))
    measured = command("evaluate", labelled, "--images", folder, "--model", model_file, "--json")
    assert "warning: The model does not know screw: each counts with AP 0." in measured.err
    ap = json.loads(measured.out)["class_ap"]
    assert ap["screw"] == 0
    assert json.loads(measured.out)["metrics"]["AP"] == pytest.approx(ap[NAMES[2]] / 2)
    document["categories"][1]["name"] = "nail"
    labelled.write_text(json.dumps(document))
    nothing = command("evaluate", labelled, "--images", folder, "--model", model_file)
    assert (nothing.code, nothing.out) == (1, "")
    assert nothing.err.count("\n") == 1


def failing(folder: Path, labelled: Path, model_file: Path, tmp_path: Path) -> dict[str, tuple[object, ...]]:
    """Commands that cannot succeed, by what their one line must name."""
    (tmp_path / "all-bad").mkdir()
    (tmp_path / "all-bad" / "a.jpg").write_bytes(b"no picture")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "best.safetensors").touch()
    out, label, tune = (
        ("--out", tmp_path / "x"),
        ("auto-label", "--model", model_file),
        ("fine-tune", "--model", model_file),
    )
    return {
        "nowhere": (*label, tmp_path / "nowhere", *out),
        "a.jpg": (*label, tmp_path / "all-bad", *out),
        "none.pth": ("auto-label", folder, "--model", "none.pth", *out),
        f"{folder} cannot be written": (*label, folder, "--out", folder),
        "this folder is no project yet": (*tune, folder, *out),
        "leave --images out": (*tune, folder, "--images", folder, *out),
        "this is a folder": ("evaluate", "--model", model_file, folder),
        "already holds a run": (*tune, labelled, "--images", folder, "--out", tmp_path / "run"),
        "no run to resume": (*tune, labelled, "--images", folder, *out, "--resume"),
        "none of its 3 images": (*tune, labelled, *out),
        "give one of them": (*tune, labelled, *out, "--steps", 1, "--epochs", 1),
        "not available": (*label, folder, *out, "--device", "mps" if sys.platform != "darwin" else "cuda"),
    }


def test_each_failure_is_one_clear_line(
    command: Command, folder: Path, labelled: Path, model_file: Path, tmp_path: Path
) -> None:
    for name, arguments in failing(folder, labelled, model_file, tmp_path).items():
        ended = command(*arguments)
        assert (ended.code, ended.out) == (1, ""), name
        errors = [line for line in ended.err.splitlines() if not line.startswith("D0 on ")]
        assert len(errors) == 1, name
        assert errors[0].startswith("error: "), name
        assert name in errors[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("label", "folder"),
        ("auto-label", "folder", "--model", "starter"),
        ("auto-label", "folder", "--model", "starter", "--out", "x", "--score", "2"),
        ("auto-label", "folder", "--model", "starter", "--out", "x", "--into-project"),
        ("auto-label", "folder", "--model", "starter", "--into-project", "--score", "0.5"),
        ("auto-label", "folder", "--model", "starter", "--out", "x", "--tiles", "--exact"),
        ("fine-tune", "x.json", "--model", "starter", "--out", "x", "--freeze", "everything"),
        ("fusion", "starter", "--json", "--csv"),
    ],
)
def test_wrong_usage_exits_with_2(command: Command, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: " in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told(command: Command, folder: Path, labelled: Path, model_file: Path, tmp_path: Path) -> None:
    ended = command(*tune(labelled, folder, model_file, tmp_path / "run", "--steps", 1, "--events", "/dev/full"))
    assert (ended.code, ended.err.splitlines()[-1]) == (1, "error: No space left on device")


def tune(labelled: Path, folder: Path, model_file: Path, out: Path, *more: object) -> tuple[object, ...]:
    options = ("--batch", 2, "--no-flip", "--device", "cpu", *more)
    return ("fine-tune", labelled, "--images", folder, "--model", model_file, "--out", out, *options)


def test_an_interrupted_fine_tuning_goes_on(
    command: Command, folder: Path, labelled: Path, held_out: Path, model_file: Path, tmp_path: Path
) -> None:
    """Ctrl+C after the first checkpoint, a line torn by the kill, then --resume with data that changed meanwhile."""
    out = tmp_path / "run"
    arguments = tune(labelled, folder, model_file, out, "--epochs", 6, "--val", held_out)
    # Where the tests run in the background, Ctrl+C is ignored from birth; at a terminal it is not.
    running = subprocess.Popen(
        program(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = out / "events.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (log.is_file() and '"kind": "last"' in log.read_text("utf-8")):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    printed, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    start, first, *_ = printed.splitlines()
    assert start.startswith("start · AP ")
    assert first.startswith("epoch 1.3 · step 2/12 · loss ")
    with log.open("a", encoding="utf-8") as file:
        file.write('{"event": "Step')
    labelled.write_text("{}")

    assert command(*arguments).code == 1  # a run is there
    resumed = command(*arguments, "--resume")
    assert resumed.code == 0, resumed.err
    *_, last, blend, ended = resumed.out.splitlines()
    assert last.startswith("epoch 8.0 · step 12/12 · loss ")
    assert blend.startswith("a blend with the start, ")  # the model knew both classes
    assert last.endswith(" · 0:00:00 left")
    assert ended.endswith(str(out / "best.safetensors"))
    lines = log.read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines if line != '{"event": "Step']
    assert len(lines) == len(events) + 1
    starts = [event["step"] for event in events if event["event"] == "RunStarted"]
    assert starts[0] == 0
    assert starts[1:] in [[step] for step in range(2, 12, 2)]
    assert [event["step"] for event in events if event["event"] == "StepDone"][-1] == 12
    assert events[-1]["event"] == "RunFinished"
    tuned = load(out / "best.safetensors").info
    assert (tuned.classes, tuned.category_ids) == (("Bolt", NAMES[2]), (9, 4))


def test_without_validation_data_some_images_are_kept_to_measure_on(
    command: Command, model_file: Path, tmp_path: Path
) -> None:
    made = command("workbench", tmp_path / "bench", "--count", 6, "--seed", 3, "--width", 160, "--height", 120)
    assert made.code == 0
    bench, images = tmp_path / "elsewhere.json", tmp_path / "bench"
    (images / "labels.json").rename(bench)
    out = tmp_path / "run"
    options = ("--steps", 1, "--from-scratch", "--image-size", SIZE, "--half", "--events", tmp_path / "log")
    for resume in ((), ("--resume",)):
        ended = command(*tune(bench, images, Path("d0"), out, *options, *resume))
        assert ended.code == 0, ended.err
    parts = [{image["file_name"] for image in read(out / f"frozen-{part}.json")["images"]} for part in ("train", "val")]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {image["file_name"] for image in read(bench)["images"]}
    assert len(parts[1]) >= 2
    assert json.loads((tmp_path / "log").read_text("utf-8").splitlines()[0])["validation_images"] == len(parts[1])
    again = command(
        "evaluate", out / "frozen-val.json", "--images", images, "--model", out / "best.safetensors", "--json"
    )
    measured = [
        event for event in map(json.loads, (tmp_path / "log").open(encoding="utf-8")) if event["event"] == "Evaluated"
    ]
    defined = {name: value for name, value in json.loads(again.out)["metrics"].items() if value is not None}
    assert defined == pytest.approx(measured[-1]["metrics"], abs=0.02)  # float16 weights


def test_workbench_pictures_come_from_the_seed(command: Command, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert (
            command("workbench", tmp_path / name, "--count", 1, "--seed", seed).out
            == f"{tmp_path / name / 'labels.json'}: 1 images\n"
        )
    a, b, c = ((tmp_path / name / "images" / "0001.jpg").read_bytes() for name in "abc")
    assert a == b != c
    assert read(tmp_path / "a" / "labels.json")["annotations"]


def test_fusion_weights_in_three_forms(command: Command, model_file: Path) -> None:
    document = json.loads(command("fusion", model_file, "--json").out)
    nodes = document["cells"][0]["nodes"]
    assert sum(len(node["edges"]) for cell in document["cells"] for node in cell["nodes"].values()) == 57
    table = command("fusion", model_file).out.splitlines()
    assert table[3].split() == [
        "1",
        "P6",
        "td",
        "P6",
        "in",
        "same",
        "1.0000",
        f"{nodes['P6 td']['edges']['P6 in']['weight']:.4f}",
    ]
    assert len(command("fusion", model_file, "--csv").out.splitlines()) == 1 + 57 == len(table) - 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_gets_a_progress_bar(tmp_path: Path) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    subprocess.run(
        program("workbench", tmp_path / "bench", "--count", 2), stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    assert b"2/2" in os.read(ours, 100_000)
    os.close(ours)


@pytest.mark.skipif(not STARTER.is_file(), reason="the starter is still to be trained")
def test_the_starter_labels_the_sample(command: Command, tmp_path: Path) -> None:
    sample, out = MAIN.parent / "resources" / "sample", tmp_path / "labels.json"
    assert command("auto-label", sample / "images", "--model", "starter", "--out", out).code == 0
    document = read(out)
    assert [item["name"] for item in document["categories"]] == list(KEPT)
    assert {box["image_id"] for box in document["annotations"]} == {image["id"] for image in document["images"]}
    measured = command("evaluate", sample / "truth.json", "--model", "starter", "--json")
    assert json.loads(measured.out)["metrics"]["AP50"] > 0.8


def test_without_a_model_named_the_starter_labels_and_says_so(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path / "weights"))
    (folder := tmp_path / "pictures").mkdir()
    shutil.copy(MAIN.parent / "resources" / "sample" / "images" / "0001.jpg", folder)
    ended = command("auto-label", folder, "--out", tmp_path / "labels.json")
    assert ended.code == 0
    assert "the starter, which knows nut, washer, bolt, gear, person only; `weights get d0` fetches" in ended.err
    assert read(tmp_path / "labels.json")["annotations"]


def test_a_reader_that_goes_away_is_no_error(model_file: Path) -> None:
    running = subprocess.Popen(program("fusion", model_file, "--csv"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    running.wait(timeout=60)


@pytest.mark.parametrize("written", ["yolo", "voc"])
def test_labels_are_written_in_the_format_that_is_wanted(
    written: str, command: Command, model_file: Path, folder: Path, tmp_path: Path
) -> None:
    options = ("--model", model_file, "--score", "0", "--out", tmp_path / "out", "--format", written, "--copy-images")
    ended = command("auto-label", folder, *options)
    assert ended.code == 0, ended.err
    assert labels.read(tmp_path / "out").format == written
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
    again = command("auto-label", folder, *options)
    assert (again.code, "is there already" in again.err) == (1, True)
