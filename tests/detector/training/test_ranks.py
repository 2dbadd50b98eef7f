"""Several processes learn what one would from the whole batch: real processes, over gloo."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from detector.data.workbench import CLASSES, scene
from detector.errors import OptionsError
from detector.training.ranks import Ranks, process_group
from tests.detector.training.rank_child import STATISTICS, WEIGHTS, train

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("rank_child.py")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO file of six pictures with bolts, of which the later ones have more."""
    folder = tmp_path_factory.mktemp("data")
    images, boxes = [], []
    for index in range(6):
        pixels, found = scene(7, index, width=160, height=128)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        images.append({"id": index + 1, "file_name": f"{index}.png", "width": 160, "height": 128})
        for box in found[: 1 + index]:
            x, y, right, bottom = box.xyxy
            bbox = [x, y, right - x, bottom - y]
            area = bbox[2] * bbox[3]
            boxes.append(
                {
                    "id": len(boxes) + 1,
                    "image_id": index + 1,
                    "category_id": 1,
                    "bbox": bbox,
                    "area": area,
                    "iscrowd": 0,
                }
            )
    categories = [{"id": 1, "name": CLASSES[0].name}]
    document = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


def run_together(arguments: list[object], count: int) -> None:
    """Start a program as torchrun does, `count` times, and wait for all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    common |= {"WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    children = [
        subprocess.Popen(command, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(count)
    ]
    for child in children:
        _, said = child.communicate(timeout=300)
        assert child.returncode == 0, said.decode()


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `train` left: of this process alone in alone/0, of two together in together/0 and together/1."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("alone", "together"):
        (folder / name).mkdir()
    train(Ranks(torch.device("cpu")), data, folder / "alone")
    run_together([CHILD, data, folder / "together"], 2)
    return folder


def test_two_processes_learn_as_one_with_the_doubled_batch(trained: Path) -> None:
    alone, first, second = (load_file(trained / name / WEIGHTS) for name in ("alone/0", "together/0", "together/1"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(first["losses"]) == 3
    torch.testing.assert_close(first["losses"], alone["losses"], rtol=0, atol=1e-4)
    for name in alone:
        torch.testing.assert_close(first[name], alone[name], rtol=1e-2, atol=2e-3, msg=name)


def test_statistics_are_the_same_in_both_processes(trained: Path) -> None:
    first, second = (load_file(trained / "together" / rank / STATISTICS) for rank in "01")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(first["losses"]) == 3
    before = load_file(trained / "together" / "0" / WEIGHTS)
    assert not torch.equal(first["backbone.bn1.running_mean"], before["backbone.bn1.running_mean"])


def test_the_command_trains_measures_and_writes_once_with_two_processes(data: Path, tmp_path: Path) -> None:
    outs = tmp_path / "one", tmp_path / "two"
    common = [ROOT / "main.py", "fine-tune", data / "labels.json", "--model", "starter", "--device", "cpu"]
    common += ["--val", data / "labels.json", "--val-images", other_folder(data, tmp_path), "--image-size", "128"]
    common += ["--steps", "3"]
    run_together([*common, "--out", outs[0], "--batch", "4"], 1)
    run_together([*common, "--out", outs[1], "--batch", "2"], 2)
    told = []
    for out in outs:
        lines = (out / "events.jsonl").read_text("utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        assert [event["event"] for event in events].count("RunFinished") == 1
        started = events[0]
        assert (started["batch"], started["validation_images"]) == (4, 6)
        told.append(events)
    for kind, keys in (("StepDone", ("loss",)), ("Evaluated", ("metrics",))):
        one, two = ([event for event in events if event["event"] == kind] for events in told)
        assert len(one) == len(two) >= 2
        for a, b in zip(one, two, strict=True):
            assert a["step"] == b["step"]
            for key in keys:
                assert b[key] == pytest.approx(a[key], abs=1e-4 if kind == "StepDone" else 0.02)
    assert sorted(path.name for path in outs[1].iterdir()) == sorted(path.name for path in outs[0].iterdir())


def other_folder(data: Path, tmp_path: Path) -> Path:
    """The same pictures as other files: a model is not measured on what it has learnt."""
    folder = tmp_path / "val"
    folder.mkdir()
    for path in data.glob("*.png"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("local_rank", [0, 1])
def test_more_processes_than_gpus_are_refused_by_the_first_and_let_be_by_the_others(
    monkeypatch: pytest.MonkeyPatch, local_rank: int
) -> None:
    for name, value in (("WORLD_SIZE", 2), ("LOCAL_WORLD_SIZE", 2), ("LOCAL_RANK", local_rank)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    wanted = pytest.raises(SystemExit) if local_rank else pytest.raises(OptionsError, match="--nproc-per-node 1, or")
    with wanted as raised, process_group(torch.device("cuda")):
        pass
    assert local_rank == 0 or raised.value.code == 0


def test_alone_nothing_is_sent() -> None:
    with process_group(torch.device("cpu")) as ranks:
        assert ranks == Ranks(torch.device("cpu"), 0, 1)
        assert ranks.broadcast_numbers([1.5, 2]) == [1.5, 2]
        assert ranks.gather("a") == ["a"]
        assert ranks.broadcast({"b": 1}) == {"b": 1}
        assert ranks.all_reduce(torch.ones(2)).tolist() == [1, 1]
