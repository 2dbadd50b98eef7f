"""Where one is survives: the current image, the filter, the order; whatever was kept, something sensible is read."""

import time
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.bookmark import LIST, Bookmark, from_json, to_json
from app.document import CURRENT, Document
from app.image_filter import FilterKind, ImageFilter
from app.image_order import ImageOrder, OrderKind
from app.verbs.class_verbs import add_class
from detector.data.project.records import Origin
from detector.data.project.settings import Settings
from tests.app.opening import open_into

FILTERS = st.builds(
    ImageFilter,
    st.sampled_from(FilterKind),
    st.text(),
    st.none() | st.integers(1, 3),
    st.none() | st.sampled_from(Origin),
)
ORDERS = st.builds(ImageOrder, st.sampled_from(OrderKind), st.booleans())


def reopen(document: Document) -> None:
    folder = document.project.folder
    document.detach()
    open_into(document, folder)


def test_one_comes_back_to_where_one_was(document: Document, qtbot: QtBot):
    bookmark = Bookmark(document)
    wanted = ImageFilter(FilterKind.UNLABELLED, ".png", add_class(document, "bolt"))
    document.show(document.visible[3])
    document.set_filter(wanted)
    document.set_order(ImageOrder(OrderKind.BOXES, descending=True))
    current = document.current
    reopen(document)
    assert (document.current, document.filter) == (current, wanted)
    with qtbot.waitSignal(bookmark.order_wanted) as order:
        bookmark.restore_order()
    assert order.args == [ImageOrder(OrderKind.BOXES, descending=True)]


def test_a_kill_soon_after_loses_no_place(document: Document, qtbot: QtBot):
    bookmark = Bookmark(document)
    with closing(document.project.connect()) as other:
        for place in (2, 4):
            document.show(document.visible[place])
            qtbot.waitUntil(lambda: other.settings.get(CURRENT) == document.current)
        document.set_filter(ImageFilter(text="4"))
        qtbot.waitUntil(lambda: other.settings.get(LIST)["text"] == "4")
    assert bookmark is not None


def test_a_held_key_writes_now_and_then(document: Document, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    bookmark, written = Bookmark(document), []
    monkeypatch.setattr(Settings, "put", lambda self, values, wait: written.extend(values.items()))
    for place in (1, 2, 3, 4):
        document.show(document.visible[place])
    qtbot.waitUntil(lambda: bool(written))
    assert [value for key, value in written if key == CURRENT] == [document.current]
    bookmark.write()
    assert len(written) == 2  # and nothing that is kept already


def test_a_worker_that_writes_is_not_waited_for(document: Document, qtbot: QtBot):
    bookmark = Bookmark(document)
    with closing(document.project.connect()) as other:
        with other.database.transaction():
            document.show(document.visible[3])
            with qtbot.waitSignal(bookmark._soon.timeout):
                began = time.monotonic()
            assert time.monotonic() - began < 2  # of the five seconds that others wait
        qtbot.waitUntil(lambda: other.settings.get(CURRENT) == document.current)


def test_a_project_that_only_reads_keeps_nothing(document: Document):
    bookmark = Bookmark(document)
    document.project.read_only = "Only to look at."
    document.show(document.visible[3])
    bookmark.write()
    assert document.project.settings.get(CURRENT) is None


@given(FILTERS, ORDERS)
def test_what_is_kept_is_read_as_it_was(wanted: ImageFilter, order: ImageOrder):
    assert from_json(to_json(wanted, order), {1, 2, 3}) == (wanted, order)


@pytest.mark.parametrize(
    "kept",
    [None, 7, [], "all", {"kind": 3, "text": None, "class": "bolt", "origin": [], "order": {}, "descending": 1}],
)
def test_nonsense_is_passed_over(kept: Any):
    assert from_json(kept, {1}) == (ImageFilter(), ImageOrder())


def test_a_class_that_is_gone_filters_nothing():
    assert from_json({"class": 5}, {1})[0].class_id is None
