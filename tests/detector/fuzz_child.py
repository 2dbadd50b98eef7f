"""Reads the files that stdin names, one a line, and tells how each went: `loaded`, `refused`, or what else it raised.

After each: the seconds of the processor, those in all, and the largest memory so far in MiB. Limits: 2 GiB of memory
besides what the libraries take by themselves.
"""

import resource
import sys
import time
import warnings
from pathlib import Path

from detector.data import images
from detector.errors import StudioError
from detector.model.checkpoint import load
from detector.model.tensor_file import read_tensors

GIB = 1 << 30


def read(path: Path) -> None:
    """As the program reads a file of its kind."""
    if path.suffix in images.SUFFIXES:
        pixels = images.decode(path)
        assert pixels.shape == (*images.size(path)[::-1], 3)
        reduced, size = images.decode_reduced(path, 16)
        assert size == (pixels.shape[1], pixels.shape[0])
        assert reduced.ndim == 3
    elif path.name.endswith(" model.safetensors"):
        load(path)
    else:
        read_tensors(path)


def outcome(path: Path) -> str:
    try:
        read(path)
    except StudioError as error:
        text = str(error)
        return "refused" if path.name in text and "\n" not in text else f"no name in {text!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}".replace("\n", " ")
    return "loaded"


def main() -> None:
    warnings.simplefilter("ignore")
    (pages,) = (int(part) for part in Path("/proc/self/statm").read_text().split()[:1])
    limit = pages * resource.getpagesize() + 2 * GIB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for line in sys.stdin:
        began, idle = time.monotonic(), time.process_time()
        said = outcome(Path(line.rstrip("\n")))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{said}\t{time.process_time() - idle:.2f}\t{time.monotonic() - began:.2f}\t{peak}", flush=True)


if __name__ == "__main__":
    main()
