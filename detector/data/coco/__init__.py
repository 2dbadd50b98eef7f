"""COCO label files, read with their faults reported and written without loss. Boxes are xywh here and nowhere else."""

from detector.data.coco.ids import LARGEST_ID
from detector.data.coco.reading import parse, read
from detector.data.coco.writing import to_document, write, write_results

__all__ = ["LARGEST_ID", "parse", "read", "to_document", "write", "write_results"]
