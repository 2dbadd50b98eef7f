"""COCO results are told from labels by their first entry; entries that cannot be used are left out, with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from detector.data import results
from detector.data.results import Result, is_results
from detector.errors import LabelError

GOOD = {"image_id": 3, "category_id": 0, "bbox": [1, 2, 10.5, 4], "score": 0.25}


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_results_come_as_they_are(tmp_path: Path) -> None:
    entries = [GOOD, {**GOOD, "image_id": "a/b", "segmentation": {}}, {**GOOD, "image_id": 3.0, "score": 1}]
    found, problems = results.read(written(tmp_path / "r.json", entries))
    assert found == (
        Result(3, 0, (1, 2, 11.5, 6), 0.25),
        Result("a/b", 0, (1, 2, 11.5, 6), 0.25),
        Result(3, 0, (1, 2, 11.5, 6), 1.0),
    )
    assert problems == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (7, "7 is no JSON object"),
        ({**GOOD, "image_id": None}, "image_id None is neither"),
        ({**GOOD, "image_id": True}, "image_id True is neither"),
        ({**GOOD, "category_id": "nut"}, "category_id 'nut' is no whole number"),
        ({**GOOD, "bbox": [1, 2, 3]}, "bbox [1, 2, 3] is not four finite numbers"),
        ({**GOOD, "bbox": [1, 2, 3, float("nan")]}, "is not four finite numbers"),
        ({**GOOD, "bbox": [1, 2, 3, 10**400]}, "is not four finite numbers"),
        ({**GOOD, "bbox": [1e308, 2, 1e308, 3]}, "has no area"),
        ({**GOOD, "bbox": [1, 2, 3, 0]}, "bbox [1, 2, 3, 0] has no area"),
        ({**GOOD, "score": 1.5}, "score 1.5 is not between 0 and 1"),
        ({**GOOD, "score": None}, "score None is not between 0 and 1"),
    ],
)
def test_what_cannot_be_used_is_left_out(entry: Any, reason: str, tmp_path: Path) -> None:
    found, (problem,) = results.read(written(tmp_path / "r.json", [GOOD, entry]))
    assert len(found) == 1
    assert str(problem).startswith("entry 2: ")
    assert reason in str(problem)


@pytest.mark.parametrize("content", ["[", '[{"image_id": 1,', "{}", "[" * 100_000, "7", ""])
def test_what_is_no_list_is_an_error_with_the_files_name(content: str, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"r\.json: "):
        results.read(written(tmp_path / "r.json", content))


def test_results_are_told_by_their_first_entry(tmp_path: Path) -> None:
    many = json.dumps([GOOD] * 5000)
    assert is_results(written(tmp_path / "r.json", many))
    assert is_results(written(tmp_path / "r.json", "\ufeff" + many[:200_000] + "cut short"))
    for other in ("[]", "[7]", [{"image_id": 3}], {"images": []}, "no JSON", "[" * 100_000):
        assert not is_results(written(tmp_path / "r.json", other))
    assert not is_results(tmp_path / "gone.json")
