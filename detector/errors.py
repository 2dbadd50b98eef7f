"""Errors meant for the person: one sentence that names the file and the way out. Everything else is a bug and keeps
its traceback.
"""


class StudioError(Exception):
    """What went wrong, with which file, and what to do next, in one line of plain text."""


class ImageError(StudioError):
    """A picture that cannot be decoded."""


class LabelError(StudioError):
    """A label file (COCO, YOLO, VOC) that cannot be read or does not fit."""


class CheckpointError(StudioError):
    """A checkpoint that cannot be read, or that does not fit the variant asked for."""


class OptionsError(StudioError):
    """Options that contradict each other or the data."""


class TrainingError(StudioError):
    """A run that cannot go on."""


class ProjectError(StudioError):
    """A project's store that cannot be opened, read or written to."""


class DownloadError(StudioError):
    """A file that could not be fetched."""
