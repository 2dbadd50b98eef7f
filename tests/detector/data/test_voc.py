"""Pascal VOC files: one-based inclusive pixels become edges and come back, and hostile XML is refused at once."""

import time
from pathlib import Path

import pytest
import supervision
from hypothesis import given
from hypothesis import strategies as st

from detector.data import voc
from detector.data.annotations import OURS, Box, Dataset, ImageEntry, ObjectClass
from detector.data.problems import Problems
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures, write


def item(name: str = "nut", corners: tuple[object, ...] = (1, 1, 10, 20), more: str = "") -> str:
    tags = ("xmin", "ymin", "xmax", "ymax")
    inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, corners, strict=True))
    return f"<object><name>{name}</name><bndbox>{inner}</bndbox>{more}</object>\n"


def annotation(*objects: str, filename: str = "a.png", size: tuple[object, object] = (100, 50)) -> str:
    return (
        f"<annotation><folder>VOC</folder><filename>{filename}</filename><path>/etc/passwd</path>\n"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>\n{''.join(objects)}</annotation>"
    )


def parse(content: str | bytes) -> tuple[voc.VocFile, list[str]]:
    problems = Problems()
    found = voc.parse(content if isinstance(content, bytes) else content.encode(), "a.xml", problems)
    return found, [str(problem) for problem in problems.all()]


def read(root: Path, images: Path | None = None) -> tuple[Dataset, list[str]]:
    dataset, problems = voc.read(root, images or root)
    return dataset, [str(problem) for problem in problems]


# ---- Parsing


def test_pixels_from_one_become_edges_from_zero() -> None:
    found, problems = parse(annotation(item(corners=(1, 2, 10, 20))))
    assert problems == []
    assert (found.filename, found.size) == ("a.png", (100, 50))
    assert found.objects[0].xyxy == (0, 1, 10, 20)


def test_flags_and_other_texts_are_kept() -> None:
    more = "<difficult>1</difficult><truncated>0</truncated><occluded>1</occluded><pose>Left</pose><part><a/></part>"
    (found,) = parse(annotation(item(more=more)))[0].objects
    assert set(found.flags) == {"difficult", "occluded"}
    assert found.extra == {"pose": "Left"}


@pytest.mark.parametrize("corners", [(45.7, "3.0", 90.25, "1e1"), (90.25, "1e1", 45.7, "3.0")])
def test_floats_and_corners_in_the_wrong_order_are_read(corners: tuple[object, ...]) -> None:
    (found,) = parse(annotation(item(corners=corners)))[0].objects
    assert found.xyxy == (44.7, 2, 90.25, 10)


@pytest.mark.parametrize("size", [("", ""), (0, 0), ("x", 5), ("nan", 5)])
def test_an_impossible_size_is_an_unknown_one(size: tuple[object, object]) -> None:
    assert parse(annotation(size=size))[0].size is None


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (item(name=" "), "it has no name"),
        ("<object><bndbox/></object>", "it has no name"),
        ("<object><name>nut</name></object>", "“nut” has no bndbox of four numbers"),
        (item(corners=(1, 2, "three", 4)), "“nut” has no bndbox of four numbers"),
        (item(corners=(1, 2, "inf", 4)), "“nut” has no bndbox of four numbers"),
    ],
)
def test_a_bad_object_is_told_by_its_line_and_the_others_stay(bad: str, message: str) -> None:
    found, problems = parse(annotation(item(), f"{bad}\n", item("bolt")))
    assert [one.name for one in found.objects] == ["nut", "bolt"]
    assert problems == [f"a.xml: line 4: {message}, so the object is left out"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "invalid XML at line 1 (no element found)"),
        ("<annotation>\n<object>", "invalid XML at line 2 (no element found)"),
        ("<annotation>\n</wrong>", "invalid XML at line 2 (mismatched tag)"),
        ("<html/>", "this XML is no VOC annotation"),
        (f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><annotation>&l9;</annotation>', "has a DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "has a DOCTYPE"),
        ('<!DOCTYPE annotation SYSTEM "http://host/a.dtd"><annotation/>', "has a DOCTYPE"),
        ("<annotation>&lol;</annotation>", "invalid XML at line 1 (undefined entity)"),
        ("<annotation>" * 100_000, "lie too deep inside each other"),
        ("<?xml version='1.0' encoding='no-such'?><annotation/>", "XML"),
        ("<?xml version='1.0' encoding='gb2312'?><annotation>\xe9</annotation>", "XML"),
        (b"\x00\xff\xfe", "invalid XML at line 1"),
    ],
)
def test_what_is_no_annotation_is_an_error_at_once(content: str | bytes, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(LabelError) as raised:
        parse(content)
    assert time.monotonic() - began < 1
    assert reason in str(raised.value)
    assert str(raised.value).startswith("a.xml: ")


def test_other_encodings_are_read() -> None:
    text = annotation(item("Nuß"))
    for encoding in ("latin-1", "utf-16"):
        found, _ = parse(f"<?xml version='1.0' encoding='{encoding}'?>{text}".encode(encoding))
        assert found.objects[0].name == "Nuß"


# ---- Folders


def test_the_layout_of_voc(tmp_path: Path) -> None:
    pictures(tmp_path, "JPEGImages/a.png", "JPEGImages/sub/b.png", "JPEGImages/c.png")
    files = {
        "Annotations/a.xml": annotation(item(), item("bolt")),
        "Annotations/sub/b.xml": annotation(item("bolt"), filename="C:\\photos\\b.png"),
        "Annotations/c.xml": annotation(filename="renamed.jpg"),
        "ImageSets/Main/train.txt": "a\nb  1\n",
        "ImageSets/Main/val.txt": "c\n",
    }
    write(tmp_path, files)
    for place in (tmp_path, tmp_path / "Annotations"):
        dataset, problems = read(place, tmp_path)
        assert problems == []
        assert [item.name for item in dataset.classes] == ["bolt", "nut"]
        assert [(image.path, image.extra[OURS]) for image in dataset.images] == [
            ("JPEGImages/a.png", {"split": "train"}),
            ("JPEGImages/c.png", {"state": "started", "split": "val"}),  # it was looked at, and is empty
            ("JPEGImages/sub/b.png", {"split": "train"}),
        ]
        assert [box.image_id for box in dataset.boxes] == [1, 1, 3]


def test_sides_are_told_by_path_and_by_names_with_spaces(tmp_path: Path) -> None:
    names = ("day 1/0 ü", "day 2/0 ü", "n 1", "n", "m")
    pictures(tmp_path, *(f"JPEGImages/{name}.png" for name in names))
    write(tmp_path, {f"Annotations/{name}.xml": annotation(item(), filename="") for name in names})
    write(tmp_path, {"ImageSets/Main/train.txt": "day 1/0 ü\nn\n", "ImageSets/Main/val.txt": "day 2/0 ü\nn 1\nm -1\n"})
    expected = ["train", "val", "val", "train", "val"]
    for place in (tmp_path, tmp_path / "Annotations"):
        sides = {image.path: image.extra[OURS]["split"] for image in read(place, tmp_path)[0].images}
        assert [sides[f"JPEGImages/{name}.png"] for name in names] == expected


def test_files_beside_the_pictures(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "sub/b.png")
    write(
        tmp_path,
        {"a.xml": annotation(item()), "sub/b.xml": annotation(item(), filename="b.png"), "z.xml": annotation()},
    )
    assert [image.path for image in read(tmp_path)[0].images] == ["a.png", "sub/b.png", "a.png"]
    single, _ = read(tmp_path / "a.xml", tmp_path)
    assert [image.path for image in single.images] == ["a.png"]


def test_a_bad_file_does_not_stop_the_batch(tmp_path: Path) -> None:
    write(tmp_path, {"a.xml": annotation(item()), "b.xml": "<annotation>", "c.xml": "<!DOCTYPE a><annotation/>"})
    dataset, problems = read(tmp_path)
    assert len(dataset.images) == 1
    assert problems == [
        "b.xml: invalid XML at line 1 (no element found); mend it or export it again.",
        "c.xml: has a DOCTYPE, which is not read; take it out.",
    ]
    (tmp_path / "a.xml").unlink()
    with pytest.raises(LabelError, match=r"b\.xml: invalid XML"):
        read(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabelError, match="holds no XML file"):
        read(pictures(tmp_path / "empty"))


def test_a_filename_never_leads_out(tmp_path: Path) -> None:
    pictures(tmp_path, "secret.png", "root/inside.png")
    root = tmp_path / "root"
    (root / "linked.png").symlink_to(tmp_path / "secret.png")
    names = ("../secret.png", f"{tmp_path}/secret.png", "..\\secret.png", "linked.png", "a\0.png")
    write(root, {f"{n}.xml": annotation(item(), filename=name.replace("\0", "")) for n, name in enumerate(names)})
    assert [image.path for image in read(root)[0].images] == [*["secret.png"] * 3, "linked.png", "a.png"]


# ---- Writing


@given(
    size=st.tuples(st.integers(4, 5000), st.integers(4, 5000)),
    parts=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_box_keeps_its_place_to_half_a_pixel(size: tuple[int, int], parts: tuple[float, ...]) -> None:
    (x1, x2), (y1, y2) = sorted(parts[::2]), sorted(parts[1::2])
    xyxy = (x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1])
    found, problems = parse(annotation(item(corners=voc._pixels(xyxy))))
    assert problems == []
    if xyxy[2] - xyxy[0] >= 1 and xyxy[3] - xyxy[1] >= 1:
        assert found.objects[0].xyxy == pytest.approx(xyxy, abs=0.5 + 1e-9)
    else:  # thinner than a pixel, and a pixel is the least there is
        assert found.objects[0].xyxy == pytest.approx(xyxy, abs=1.5)


def test_whole_numbers_come_back_exactly() -> None:
    assert voc._pixels((0, 1, 10, 20)) == (1, 2, 10, 20)


def test_out_and_in_again_is_the_same_and_others_can_read_it(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", "a.png", "sub/b.png", "c.png")
    ours = {"difficult": True, "occluded": True}
    dataset = Dataset(
        (
            ImageEntry(1, "a.png", 100, 50, {OURS: {"split": "train", "state": "reviewed"}}),
            ImageEntry(2, "sub/b.png", 100, 50, {OURS: {"split": "val", "state": "reviewed"}}),
            ImageEntry(3, "c.png", 100, 50, {OURS: {"split": "val", "state": "unlabelled"}}),
        ),
        (ObjectClass(5, "<b>nut</b> & \x07"), ObjectClass(9, "bolt"), ObjectClass(7, " ")),
        (
            Box(1, 7, (0, 0, 5, 5)),
            Box(1, 9, (0, 1, 10, 20), extra={OURS: ours}),
            Box(1, 5, (40, 10, 60, 50)),
            Box(1, 9, (1, 1, 9, 9), iscrowd=True),
        ),
    )
    paths = {image.id: source / image.path for image in dataset.images}
    out = tmp_path / "out"
    assert voc.write(dataset, out, paths, copy_images=True) == ()
    again, problems = read(out)
    assert problems == []
    assert [(image.path, image.extra.get(OURS)) for image in again.images] == [
        ("JPEGImages/a.png", {"split": "train"}),
        ("JPEGImages/sub/b.png", {"state": "started", "split": "val"}),
    ]
    names = {item.id: item.name for item in again.classes}
    assert [(names[box.class_id], box.xyxy, box.extra.get(OURS)) for box in again.boxes] == [
        ("7", (0, 0, 5, 5), None),  # a class needs a name to be seen
        ("bolt", (0, 1, 10, 20), dict.fromkeys(("occluded", "difficult"), True)),
        ("<b>nut</b> & ?", (40, 10, 60, 50), None),
        ("bolt", (1, 1, 9, 9), {"difficult": True}),
    ]
    theirs = supervision.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    (found,) = (theirs.annotations[path] for path in theirs.image_paths if path.endswith("a.png"))
    assert found.xyxy[1] == pytest.approx((0, 1, 10, 20), abs=1)  # whichever edge they count from
