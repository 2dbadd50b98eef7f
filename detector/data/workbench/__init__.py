"""Seeded pictures of hardware on a workbench, with exact boxes: they train the starter and fill the sample project."""

from detector.data.workbench.scenes import CLASSES, scene, write_folder

__all__ = ["CLASSES", "scene", "write_folder"]
