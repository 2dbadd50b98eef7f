"""Boxes that are not x, y, width, height in pixels: told apart, refused with the way out, and read when it is said."""

from typing import Any

import pytest

from detector.data import coco
from detector.data.box_layout import BoxLayout, LayoutError

SIZE = (200, 100)


def document(*boxes: tuple[float, ...], **size: Any) -> dict[str, Any]:
    size = size or {"width": SIZE[0], "height": SIZE[1]}
    whose = {"image_id": 1, "category_id": 1}
    return {
        "images": [{"id": 1, "file_name": "a.png", **size}],
        "annotations": [{"id": n, **whose, "bbox": list(bbox)} for n, bbox in enumerate(boxes, 1)],
        "categories": [{"id": 1, "name": "nut"}],
    }


CORNERS = ((10, 20, 60, 50), (120, 30, 190, 95))


def test_corners_are_an_error_that_says_how_to_read_them() -> None:
    with pytest.raises(LayoutError, match=r"^a\.json: .*--boxes xyxy, or --boxes xywh") as raised:
        coco.parse(document(*CORNERS), "a.json")
    assert raised.value.layouts == (BoxLayout.XYXY, BoxLayout.XYWH)
    dataset, problems = coco.parse(document(*CORNERS), "a.json", layout=BoxLayout.XYXY)
    assert (tuple(box.xyxy for box in dataset.boxes), problems) == (CORNERS, ())
    dataset, _ = coco.parse(document(*CORNERS), "a.json", layout=BoxLayout.XYWH)
    assert dataset.boxes[1].xyxy == (120, 30, 310, 125)


@pytest.mark.parametrize(
    ("layout", "xyxy"),
    [(BoxLayout.XYWH_NORMALISED, (20, 20, 80, 60)), (BoxLayout.XYXY_NORMALISED, (20, 20, 60, 40))],
)
def test_normalised_boxes_are_an_error_that_says_how_to_read_them(layout: BoxLayout, xyxy: tuple[float, ...]) -> None:
    written = document((0.1, 0.2, 0.3, 0.4))
    with pytest.raises(LayoutError, match=f"--boxes {layout}") as raised:
        coco.parse(written, "a.json")
    assert layout in raised.value.layouts
    dataset, _ = coco.parse(written, "a.json", layout=layout)
    assert dataset.boxes[0].xyxy == pytest.approx(xyxy)


def test_normalised_boxes_need_the_size_of_the_picture() -> None:
    written = document((0.1, 0.2, 0.3, 0.4), width=None)
    dataset, problems = coco.parse(written, "a.json", layout=BoxLayout.XYWH_NORMALISED)
    assert dataset.boxes == ()
    assert [str(problem) for problem in problems] == [
        "a.png: its size is not in the file, so its normalised boxes are left out"
    ]


@pytest.mark.parametrize(
    "boxes",
    [
        ((10, 20, 60, 50),),  # fits either way
        ((150, 50, 60, 60), (10, 20, 60, 50)),  # reaches out, but would be no corners
        ((10, 20, 60, 50), (120, 30, 190, 195)),  # reaches out either way
        ((150, 90, 51, 91),),
    ],
)
def test_boxes_that_may_be_cocos_are_taken_for_them(boxes: tuple[tuple[float, ...], ...]) -> None:
    dataset, problems = coco.parse(document(*boxes), "a.json")
    assert (len(dataset.boxes), problems) == (len(boxes), ())
