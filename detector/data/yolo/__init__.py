"""YOLO data sets: data.yaml, pictures in images/, and for each a text in labels/ with a line a box.

A line is `class cx cy w h`, as parts of the picture's width and height; boxes here are in its pixels. A picture without
a text is unlabelled, and one with an empty text has no objects; trainers take both for empty.
"""

from detector.data.yolo.config import CLASS_FILES, CONFIGS, holds_texts
from detector.data.yolo.reading import read
from detector.data.yolo.writing import write

__all__ = ["CLASS_FILES", "CONFIGS", "holds_texts", "read", "write"]
