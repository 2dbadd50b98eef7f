"""The formats of label files, by name."""

from enum import StrEnum


class Format(StrEnum):
    """What label files can be."""

    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    LABELME = "labelme"


class Written(StrEnum):
    """What label files can be written as."""

    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
