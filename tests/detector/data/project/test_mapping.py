"""What a model's classes are called in a project, in the order in which it is decided."""

from itertools import count

from detector.data.project.mapping import Mapped, map_classes, names_key
from detector.data.project.passes import known_classes
from detector.data.project.records import ProjectClass

CAR = ProjectClass(1, "car", "#000000", 0, 3)
VEHICLE = ProjectClass(2, "vehicle", "#000000", 1, 1)
KNOWS = known_classes(("person", None, "car", "truck", "bus"), (1, 2, 3, 6, 5), {"truck": 0.5, "bus": 0.2})


def mapped(class_map: dict[str, int | None], *, former: dict[str, int] | None = None, knows=KNOWS) -> Mapped:
    return map_classes(knows, [CAR, VEHICLE], class_map=class_map, former=former or {}, new_ids=count(10))


def test_names_that_the_project_has_are_its_classes_and_others_come_with_the_model():
    made = mapped({})
    assert made.class_ids == {0: 10, 2: CAR.id, 3: 11, 4: 12}
    assert [(item.name, item.category_id, item.position) for item in made.added] == [
        ("person", 4, 2),  # 1 is taken, by vehicle
        ("truck", 6, 3),
        ("bus", 5, 4),
    ]


def test_classes_are_merged_and_left_out_as_the_map_says():
    made = mapped({"person": None, "car": VEHICLE.id, "truck": VEHICLE.id, "bus": VEHICLE.id})
    assert (made.class_ids, made.added) == ({2: VEHICLE.id, 3: VEHICLE.id, 4: VEHICLE.id}, ())
    assert made.thresholds == {VEHICLE.id: 0.2}  # of several the lowest


def test_a_class_that_is_gone_leaves_the_name_to_itself():
    assert mapped({"car": 99}).class_ids[2] == CAR.id
    assert [item.name for item in mapped({"truck": 99, "person": None, "bus": None}).added] == ["truck"]


def test_a_former_name_means_the_class_that_had_it_unless_another_one_has_it_now():
    assert mapped({}, former={"truck": VEHICLE.id, "car": VEHICLE.id}).class_ids == {0: 10, 2: 1, 3: 2, 4: 11}
    assert mapped({"truck": None}, former={"truck": VEHICLE.id}).class_ids.keys() == {0, 2, 4}
    assert 3 in mapped({}, former={"truck": 99}).class_ids


def test_models_that_know_the_same_names_share_a_map():
    others = known_classes(("person", None, "car", "truck", "bus"), (9, 8, 7, 6, 5), {})
    assert names_key(others) == names_key(KNOWS)
    assert names_key(KNOWS[:-1]) != names_key(KNOWS)
