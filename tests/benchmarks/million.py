"""How long a million boxes on 100,000 images take into a project and out again, and how much memory.

    python tests/benchmarks/million.py [IMAGES]

The pictures are the same small JPEG under many names, ten boxes each. Import is all of it: reading the COCO file,
finding the pictures, their headers, the checks, the store. Export is from the store to a COCO file.
"""

import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from detector.data import coco
from detector.data.project import datasets
from detector.data.project.import_report import look_into
from detector.data.project.store import Project

PER_IMAGE = 10


def make(folder: Path, images: int) -> Path:
    """Pictures in folders of a thousand, and their labels."""
    Image.new("RGB", (640, 480)).resize((64, 48)).save(folder / "one.jpg")
    content = (folder / "one.jpg").read_bytes()
    random.seed(0)
    entries, boxes = [], []
    for number in range(images):
        name = f"{number // 1000}/{number}.jpg"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        entries.append({"id": number + 1, "file_name": name, "width": 64, "height": 48, "license": 1})
        for _ in range(PER_IMAGE):
            bbox = [round(random.random() * 40, 2), round(random.random() * 30, 2), 20.5, 12.25]
            keys = {"area": 20.5 * 12.25, "iscrowd": 0, "segmentation": []}
            boxes.append(
                {"id": len(boxes) + 1, "image_id": number + 1, "category_id": 1 + number % 5, "bbox": bbox} | keys
            )
    path = folder / "labels.json"
    categories = [{"id": number, "name": f"class {number}"} for number in range(1, 6)]
    path.write_text(json.dumps({"images": entries, "annotations": boxes, "categories": categories}))
    return path


def measured(name: str, work: Callable[[], Any]) -> Any:
    """Does the work; prints its time, that of the processor alone, and the most memory so far."""
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    took, computed = time.perf_counter() - began, time.process_time() - busy
    print(f"{name:12} {took:6.1f} s, {computed:6.1f} s of the processor, at most {memory:.2f} GiB", flush=True)
    return result


def bring_in(project: Project, labels: Path) -> None:
    """The whole import, as the window does it."""
    ready = measured("  look into", lambda: look_into(project, labels))
    assert not ready.report.left_out
    measured("  store", lambda: list(datasets.bring_in(project, ready.dataset, ready.paths)))


def bring_out(project: Project, path: Path) -> None:
    """The whole export."""
    dataset = measured("  read", lambda: datasets.read(project))
    measured("  write", lambda: coco.write(dataset, path))


def main(images: int) -> None:
    """Prints what it takes, in this process, which does nothing else."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        child = os.fork()  # so that making it all leaves no memory here
        if child == 0:
            make(folder, images)
            os._exit(0)
        os.waitpid(child, 0)
        gc.disable()  # as in the window
        project = Project.open(folder)
        measured("import", lambda: bring_in(project, folder / "labels.json"))
        gc.collect()
        measured("export", lambda: bring_out(project, Path(place) / "out.json"))
        project.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
