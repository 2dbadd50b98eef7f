"""Models present themselves without torch; one that is missing says what is wanted."""

from pathlib import Path

import pytest

from app.models import STARTER_NAME, advprop, built_in, choice, info_of, kept, of_runs
from detector.model.variants import VARIANTS
from detector.model.weights import PUBLISHED, STARTER, WEIGHTS_VARIABLE


def test_the_starter_says_what_it_is():
    found = choice(STARTER_NAME)
    assert (found.name, found.missing) == ("Starter", "")
    assert found.title.startswith("Starter · D0 · ")


def test_published_variants_say_which_file_they_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    assert "tf_efficientdet_d0_34-f153e0cf.pth" in choice("d0").missing
    assert choice("d0").megabytes == 16
    (tmp_path / "tf_efficientdet_d0_34-f153e0cf.pth").touch()
    assert (choice("d0").missing, choice("d0").megabytes) == ("", 0)
    assert [item.source for item in built_in()] == [STARTER_NAME, *VARIANTS]


def test_advprop_s_models_are_offered_though_they_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    (tmp_path / PUBLISHED["d3_ap"].file).touch()
    assert [item.source for item in advprop()] == [f"d{n}_ap" for n in range(6)]
    assert [item.megabytes for item in advprop()] == [16, 27, 33, 0, 84, 136]
    assert choice("d3_ap").title == "D3 AdvProp · COCO · 896 px"


def test_models_made_from_foreign_files_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.models.user_data", lambda: tmp_path)
    assert kept() == []
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "parts.safetensors").write_bytes(STARTER.read_bytes())
    (found,) = kept()
    assert found.title.startswith("parts · D0 · ")


def test_a_run_s_model_is_called_by_its_run(tmp_path: Path):
    run = tmp_path / "runs" / "0001"
    run.mkdir(parents=True)
    (run / "best.safetensors").write_bytes(STARTER.read_bytes())
    (found,) = of_runs([run / "best.safetensors", tmp_path / "runs" / "0002" / "best.safetensors"])
    assert found.name == "0001"
    assert info_of(found.source).classes == info_of(STARTER_NAME).classes


def test_files_that_are_gone_or_foreign(tmp_path: Path):
    assert choice(str(tmp_path / "x.safetensors")).missing == "the file is gone"
    (tmp_path / "foreign.pth").write_bytes(b"")
    assert choice(str(tmp_path / "foreign.pth")).title == "foreign"
    assert info_of(str(tmp_path / "foreign.pth")) is None
