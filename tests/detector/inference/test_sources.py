"""Which engine a model gets, and the cache of graphs: made once, in a process of its own, and never with torch here."""

import json
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

from detector.errors import CheckpointError, OptionsError
from detector.inference import sources
from detector.inference.onnx_engine import OnnxEngine
from detector.inference.predictor import Prediction, Predictor
from detector.inference.sources import OnnxSource, open_source
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model, save
from detector.model.published import save_effdet


@pytest.fixture(scope="module")
def exported(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of ours, and a cache folder with its graph, which takes seconds to make."""
    folder = tmp_path_factory.mktemp("exported")
    save(model, folder / "model.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "user_cache", lambda: folder / "cache")
        OnnxSource(str(folder / "model.safetensors")).engine()
    return folder


@pytest.fixture
def checkpoint(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of ours, whose graph is in the cache folder."""
    monkeypatch.setattr(sources, "user_cache", lambda: tmp_path / "cache")
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "model.safetensors"


def graphs(checkpoint: Path) -> list[Path]:
    return sorted((checkpoint.parent / "cache" / "graphs").iterdir())


def test_on_the_cpu_a_graph_is_made_once_and_gives_what_pytorch_does(model: Model, checkpoint: Path) -> None:
    source = open_source(str(checkpoint), device="cpu")
    assert source.info == model.info
    engine = source.engine(floor=0.2)
    assert isinstance(engine, OnnxEngine)
    assert "ONNX Runtime" in engine.device
    (graph,) = graphs(checkpoint)
    stamp = graph.stat().st_mtime_ns
    picture = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    (ours,) = Predictor(open_source(str(checkpoint), device="cpu").engine(floor=0.2)).run([picture])
    assert graph.stat().st_mtime_ns == stamp
    (wanted,) = Predictor(TorchEngine(model, torch.device("cpu"), floor=0.2)).run([picture])
    assert isinstance(ours, Prediction)
    assert isinstance(wanted, Prediction)
    assert len(ours.detections) == len(wanted.detections) > 0


def test_a_graph_that_was_damaged_in_the_cache_is_made_anew(checkpoint: Path) -> None:
    source = OnnxSource(str(checkpoint))
    source.engine()
    (graph,) = graphs(checkpoint)
    whole = graph.read_bytes()
    graph.write_bytes(whole[: len(whole) // 3])
    assert isinstance(source.engine(), OnnxEngine)
    assert graphs(checkpoint) == [graph]
    assert graph.stat().st_size == len(whole)


def test_other_weights_and_other_channels_get_graphs_of_their_own(model: Model, checkpoint: Path) -> None:
    source = OnnxSource(str(checkpoint))
    source.engine(channels=[0, 2])  # all that have a name
    source.engine()
    assert len(graphs(checkpoint)) == 1
    source.engine(channels=[2])
    assert len(graphs(checkpoint)) == 2
    other = deepcopy(model.network)
    other.class_net.predict.conv_pw.bias.data += 1
    save(Model(other, model.info), checkpoint)
    OnnxSource(str(checkpoint)).engine()
    assert len(graphs(checkpoint)) == 3
    with pytest.raises(OptionsError):
        source.engine(channels=[1])


def test_exactness_and_other_devices_get_pytorch(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_source(str(checkpoint), device="cpu", exact=True).engine(), TorchEngine)
    monkeypatch.setattr(sources, "is_cpu", lambda _: False)
    assert isinstance(open_source(str(checkpoint)).engine(), TorchEngine)


def test_a_foreign_file_says_what_it_is_through_its_graph(model: Model, checkpoint: Path, tmp_path: Path) -> None:
    save_effdet(model, tmp_path / "theirs.pth")
    (tmp_path / "names.txt").write_text("bolt\nwasher\nnut")
    source = open_source(str(tmp_path / "theirs.pth"), device="cpu", variant="d0", classes=tmp_path / "names.txt")
    assert source.info.classes == ("bolt", "washer", "nut")
    with pytest.raises(CheckpointError, match="--variant d0"):
        _ = open_source(str(tmp_path / "theirs.pth"), device="cpu").info


def test_closing_ends_the_export_and_leaves_nothing(checkpoint: Path) -> None:
    graphs(checkpoint)[0].unlink()
    making = OnnxSource(str(checkpoint)).make_graph()
    next(making)
    making.close()
    assert graphs(checkpoint) == []


def test_labelling_with_a_graph_in_the_cache_loads_no_torch(repository: Path, tmp_path: Path) -> None:
    arguments = ["auto-label", str(repository / "resources/sample/images"), "--model", "starter", "--device", "cpu"]
    out = tmp_path / "labels.json"
    told = (
        "import sys, runpy, atexit; atexit.register(lambda: print('torch' in sys.modules));"
        f"sys.argv = ['main.py', *{arguments!r}, '--out', {str(out)!r}];"
        f"runpy.run_path({str(repository / 'main.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=120, cwd=repository)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"
    assert len(json.loads(out.read_text())["images"]) == 20
