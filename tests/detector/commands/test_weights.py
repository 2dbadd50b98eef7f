"""The commands around published weights, as they are typed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import effdet
import pytest
import torch
from typer.testing import CliRunner, Result

from detector.cli import command_line
from detector.errors import CheckpointError, DownloadError
from detector.model import weights
from detector.model.info import ADVPROP
from detector.model.published import open_model
from detector.model.weights import PUBLISHED, STARTER, PublishedWeights
from detector.starter.curriculum import KEPT
from tests.mirror import CONTENT, Mirror, running_mirror, weights_of

MAIN = Path(__file__).parents[3] / "main.py"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(command_line(), ["weights", *map(str, arguments)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the cache of weights is in for this test, which is not there yet."""
    monkeypatch.delenv("EFFICIENTDET_STUDIO_WEIGHTS", raising=False)
    for name in ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with running_mirror() as made:
        monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", made.address)
        yield made


@pytest.fixture
def d0(monkeypatch: pytest.MonkeyPatch) -> PublishedWeights:
    """The D0 that the mirror has."""
    monkeypatch.setitem(weights.PUBLISHED, "d0", weights_of())
    return weights_of()


def test_the_list_tells_what_there_is_and_what_is_here() -> None:
    row = PUBLISHED["d3_ap"]
    row.path.parent.mkdir(parents=True)
    row.path.touch()
    lines = call("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1 : len(PUBLISHED) + 1]] == list(PUBLISHED)
    assert [line.split()[0] for line in lines if line.endswith(" here") and not line.endswith("not here")] == ["d3_ap"]
    assert str(row.path.parent) in lines[-1]
    document = json.loads(call("list", "--json").stdout)
    rows = {item["name"]: item for item in document["weights"]}
    assert (rows["d3"]["coco_ap"], rows["d3"]["hard_nms_ap"], rows["d3_ap"]["coco_ap"]) == (46.8, 47.1, 47.7)
    assert {name for name, item in rows.items() if item["path"]} == {"d3_ap"}
    assert {name for name, item in rows.items() if item["advprop"]} == {f"d{n}_ap" for n in range(6)}
    assert document["folder"] == str(row.path.parent)


def test_get_says_where_the_file_is(mirror: Mirror, d0: PublishedWeights) -> None:
    for _ in range(2):
        ended = call("get", "D0")
        assert (ended.exit_code, ended.stdout) == (0, f"D0: {d0.path}\n")
        assert ended.stderr == ""  # no bar where there is no terminal
    assert d0.path.read_bytes() == CONTENT
    assert len(mirror.asked) == 1


def test_get_from_a_folder_needs_no_network(d0: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path / "share"))
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / d0.file).write_bytes(CONTENT)
    assert call("get", "d0").stdout == f"D0: {tmp_path / 'share' / d0.file}\n"


def test_a_failure_is_one_line(mirror: Mirror) -> None:
    mirror.status = 404
    ended = subprocess.run([sys.executable, str(MAIN), "weights", "get", "d4"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: D4 could not be fetched (the server says 404 Not Found)")
    assert f"put {PUBLISHED['d4'].file} from {mirror.address}" in line
    assert isinstance(call("get", "d4").exception, DownloadError)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is another thing there")
def test_ctrl_c_keeps_what_has_come(mirror: Mirror) -> None:
    mirror.silent_after = len(CONTENT) // 2
    part = PUBLISHED["d0"].path.with_name(f"{PUBLISHED['d0'].file}.part")
    running = subprocess.Popen(
        [sys.executable, str(MAIN), "weights", "get", "d0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (part.is_file() and part.stat().st_size):
        time.sleep(0.02)
    seen = part.stat().st_size
    running.send_signal(signal.SIGINT)
    printed, said = running.communicate(timeout=60)
    assert (running.returncode, printed) == (130, "")
    assert "the same command goes on from here" in said
    assert "Traceback" not in said
    kept = part.read_bytes()
    assert 0 < seen <= len(kept) <= len(CONTENT) // 2
    assert CONTENT.startswith(kept)


@pytest.mark.parametrize("name", ["{file}", "renamed by somebody.bin"])
def test_import_knows_a_file_by_its_contents(name: str, d0: PublishedWeights, tmp_path: Path) -> None:
    given = tmp_path / name.format(file=d0.file)
    given.write_bytes(CONTENT)
    for file in (given, d0.path):  # the second time from where it is
        ended = call("import", file)
        assert (ended.exit_code, ended.stdout) == (0, f"D0: {d0.path}\n")
        assert d0.path.read_bytes() == CONTENT
    assert given.exists()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (PUBLISHED["d1"].file, "is damaged, or not what its name says: its sha256 begins with [0-9a-f]{8}; fetch"),
        ("best.pth", "is none of the published files .* --variant d0"),
        (None, "There is no file"),
    ],
)
def test_import_refuses_what_is_not_published(name: str | None, complaint: str, tmp_path: Path) -> None:
    if name:
        (tmp_path / name).write_bytes(b"something else")
    ended = call("import", tmp_path / (name or "gone.pth"))
    assert ended.exit_code == 1
    with pytest.raises(CheckpointError, match=complaint):
        raise ended.exception or AssertionError
    assert not weights.weights_folder().exists()


def test_export_writes_what_effdet_loads(tmp_path: Path) -> None:
    ended = call("export", STARTER, tmp_path / "out.pth")
    head, *classes = ended.stdout.splitlines()
    assert head == f"{tmp_path / 'out.pth'}: tf_efficientdet_d0, 512 px, num_classes=5"
    assert [line.split() for line in classes] == [[str(number), name] for number, name in enumerate(KEPT, 1)]
    network = effdet.create_model(
        "tf_efficientdet_d0", bench_task="", num_classes=5, pretrained=False, pretrained_backbone=False
    )
    network.load_state_dict(torch.load(tmp_path / "out.pth", weights_only=True), strict=True)
    (tmp_path / "names.txt").write_text("\n".join(KEPT))
    again = open_model(str(tmp_path / "out.pth"), variant="d0", classes=tmp_path / "names.txt")
    own = open_model("starter").network.state_dict()
    assert all(torch.equal(tensor, own[key]) for key, tensor in again.network.state_dict().items())
    assert call("export", STARTER, tmp_path / "out.onnx").exit_code == 2


def test_a_foreign_file_becomes_one_that_says_all(tmp_path: Path) -> None:
    call("export", STARTER, tmp_path / "mine.pth")
    (tmp_path / "names.txt").write_text("\n".join(KEPT))
    arguments = ("--variant", "d0_ap", "--classes", tmp_path / "names.txt")
    ended = call("export", tmp_path / "mine.pth", tmp_path / "mine.safetensors", *arguments)
    assert ended.stdout.splitlines()[0].endswith("mine.safetensors: D0_ap, 512 px, num_classes=5")
    model = open_model(str(tmp_path / "mine.safetensors"))
    assert (model.info.variant, model.info.classes) == ("d0", KEPT)
    assert model.info.normalisation == ADVPROP


def test_export_tells_advprop(tmp_path: Path) -> None:
    call("export", STARTER, tmp_path / "mine.pth")
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\n")
    arguments = ("--variant", "d0_ap", "--classes", tmp_path / "names.txt")
    ended = call("export", tmp_path / "mine.pth", tmp_path / "again.pth", *arguments)
    assert ended.stdout.splitlines()[0].endswith("again.pth: tf_efficientdet_d0_ap, 512 px, num_classes=5")


def test_advprop_s_weights_are_models_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match="D1 AdvProp are not on this machine: fetch them with “weights get d1_ap”"
    ):
        open_model("d1_ap")
