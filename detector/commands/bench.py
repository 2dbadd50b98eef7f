"""bench: how fast a model labels on this machine."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from detector.commands.console import answer, answer_json
from detector.commands.options import AsJson, BatchSize, ClassFile, DeviceName, Exact, ModelName, VariantName
from detector.device import EngineKind, is_cpu
from detector.errors import StudioError

STAGES = ("decode_ms", "resize_ms", "forward_ms", "post_ms")
COLUMNS = (*STAGES, "images_per_second", "peak_mb", "gpu_mb", "export_seconds")


def bench(
    model: ModelName,
    images: Annotated[Path, Option(help="A folder of pictures.")],
    count: Annotated[int, Option(min=1, help="How many of them, the first ones.")] = 50,
    engine: Annotated[EngineKind | None, Option(help="One engine; default: all that this device has.")] = None,
    exact: Exact = False,
    as_json: AsJson = False,
    variant: VariantName = None,
    classes: ClassFile = None,
    device: DeviceName = "auto",
    batch: BatchSize = None,
) -> None:
    """Measure how fast a model labels pictures: each stage by itself, the whole as a stream, and the memory it takes.

    Milliseconds are medians for one picture. Each engine runs in a process of its own. The export, which ONNX Runtime
    needs once per model, is timed as if it had not been made before.
    """
    if engine is None and not exact and is_cpu(device):
        answers = [_child([*sys.argv[1:], "--json", "--engine", kind.value]) for kind in EngineKind]
    else:
        from detector.data.images import list_images
        from detector.inference.measure import measure
        from detector.inference.sources import OnnxSource, open_source

        paths = list_images(images)[:count]
        source = open_source(model, device=device, exact=exact, kind=engine, variant=variant, classes=classes)
        found = asdict(measure(source.engine(batch=batch), paths))
        export = source.time_export() if isinstance(source, OnnxSource) else None
        answers = [{"model": model, **found, "export_seconds": export}]
    if as_json:
        answer_json(answers[0] if engine else {"engines": answers})
        return
    for item in answers:
        answer(f"{item['device']}, {item['images']} images")
        for name in COLUMNS:
            if item[name] is not None:
                answer(f"{item[name]:10.1f}  {name.replace('_', ' ')}")


def _child(arguments: list[str]) -> dict[str, Any]:
    """The same command in a process of its own, for one engine. Raises StudioError with what it says."""
    main = Path(__file__).parents[2] / "main.py"
    done = subprocess.run([sys.executable, str(main), *arguments], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise StudioError((done.stderr.strip().splitlines() or ["The measurement failed."])[-1].removeprefix("error: "))
    return json.loads(done.stdout)
