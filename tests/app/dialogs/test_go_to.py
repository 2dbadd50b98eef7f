"""Going to an image: by its place in the list, by words of its name, also one that the filter hides; fast."""

import time
from types import SimpleNamespace
from typing import cast

from app.dialogs.go_to import MOST, ImageFinder
from app.document import Document
from app.image_filter import ImageFilter
from app.verbs import navigation


def found(document: Document, text: str) -> list[tuple[str, str]]:
    return [(row.text, row.detail) for row in ImageFinder(document).find(text).rows]


def test_by_place_and_by_name(document: Document):
    assert found(document, "3") == [("2.png", "3 of 6"), ("3.png", "4 of 6")]
    assert found(document, " 3.PNG ") == [("3.png", "4 of 6")]
    assert found(document, "7") == []
    assert found(document, "0") == [("0.png", "1 of 6")]


def test_at_first_from_the_current_image_on(document: Document):
    navigation.step(document, 4)
    assert found(document, " ") == [("4.png", "5 of 6"), ("5.png", "6 of 6")]


def test_hidden_ones_come_last(document: Document):
    navigation.step(document, 2)
    document.set_filter(ImageFilter(text="5"))
    assert found(document, "png") == [
        ("2.png", "1 of 2"),
        ("5.png", "2 of 2"),
        *((f"{n}.png", "hidden by the filter") for n in (3, 4, 0, 1)),
    ]


def test_nothing_found_is_said(document: Document):
    assert ImageFinder(document).find("zebra").remark == "No image is called “zebra”, and there are 6 in the list."


def test_a_hundred_thousand_are_searched_at_once():
    ids = list(range(100_000))
    images = {n: SimpleNamespace(path=f"shift {n % 7}/camera {n % 31:02}/{n:06}.jpg") for n in ids}
    document = cast(Document, SimpleNamespace(visible=ids, images=images, place=0))
    began = time.thread_time()
    images_of = ImageFinder(document)
    opened = time.thread_time() - began
    began = time.thread_time()
    many = images_of.find("camera jpg")
    searched = time.thread_time() - began
    assert len(many.rows) == MOST
    assert many.remark == "There are more; type on."
    assert [row.text for row in images_of.find("camera 099999 shift").rows] == ["shift 4/camera 24/099999.jpg"]
    assert max(opened, searched) < 0.5  # far above what it takes, far below what a slow way would
