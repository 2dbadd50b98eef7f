"""From a model's name or file to an engine: ONNX Runtime on the CPU, PyTorch on all else and for exactness.

The graph for ONNX Runtime is made once per checkpoint, by this program's own `export-onnx` in a process of its own, and
kept in the user's cache: so this module loads torch only where torch computes.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

from detector.device import EngineKind, is_cpu
from detector.errors import CheckpointError
from detector.files import file_key, replacing
from detector.inference.engines import FLOOR, Engine, wanted_channels
from detector.model.info import ModelInfo, read_info
from detector.model.weights import model_file
from detector.places import user_cache

if TYPE_CHECKING:
    import torch

    from detector.inference.onnx_engine import OnnxEngine
    from detector.model.checkpoint import Model

MAIN = Path(__file__).parents[2] / "main.py"
TICK = 0.1  # seconds
GRAPHS = 2  # counted up where an exported graph changes, so that those in caches are made anew


class EngineOptions(TypedDict, total=False):
    """What an engine is to do: give detections of `channels`, None for all, with scores from `floor` on.

    batch: pictures at a time on a GPU. leave_free: cores that others shall have.
    """

    floor: float
    channels: Collection[int] | None
    batch: int | None
    leave_free: int


class Source(Protocol):
    """A model that engines can be made of."""

    @property
    def info(self) -> ModelInfo:
        """What it says of itself."""
        ...

    def engine(self, **options: Unpack[EngineOptions]) -> Engine:
        """An engine with these options. Raises CheckpointError, OptionsError."""
        ...


def open_source(
    name: str,
    *,
    device: str = "auto",
    exact: bool = False,
    kind: EngineKind | None = None,
    variant: str | None = None,
    classes: Path | None = None,
) -> Source:
    """The model of a name or file, as `published.open_model` knows it, for engines of a kind, None for what is best.

    Raises CheckpointError, OptionsError.
    """
    if kind is None:
        kind = EngineKind.ONNX if not exact and is_cpu(device) else EngineKind.TORCH
    if kind is EngineKind.ONNX:
        return OnnxSource(name, variant, classes)
    from detector.device import pick
    from detector.model.published import open_model

    return TorchSource(open_model(name, variant=variant, classes=classes), pick(device), exact=exact)


@dataclass(frozen=True)
class TorchSource:
    """A model that PyTorch runs."""

    model: "Model"
    device: "torch.device"
    exact: bool

    @property
    def info(self) -> ModelInfo:
        """See `Source`."""
        return self.model.info

    def engine(self, **options: Unpack[EngineOptions]) -> Engine:
        """See `Source`."""
        from detector.device import leave_cores
        from detector.inference.torch_engine import TorchEngine

        if count := options.get("leave_free", 0):
            leave_cores(count)
        floor, channels, batch = options.get("floor", FLOOR), options.get("channels"), options.get("batch")
        return TorchEngine(self.model, self.device, exact=self.exact, floor=floor, channels=channels, batch=batch)


class OnnxSource:
    """A model that ONNX Runtime runs. Its graph is made as soon as it is needed."""

    def __init__(self, name: str, variant: str | None = None, classes: Path | None = None) -> None:
        self._name, self._variant, self._classes = name, variant, classes
        self._path = model_file(name)

    @property
    def info(self) -> ModelInfo:
        """See `Source`."""
        return self._info

    @cached_property
    def _info(self) -> ModelInfo:
        says_all = self._path.suffix == ".safetensors" and self._variant is None and self._classes is None
        return read_info(self._path) if says_all else self._asked.info

    @cached_property
    def _asked(self) -> "OnnxEngine":
        """The engine that is opened where only the graph says what the model is."""
        return self._engine(None, FLOOR, 0)

    def engine(self, **options: Unpack[EngineOptions]) -> Engine:
        """See `Source`."""
        chosen, every = (wanted_channels(self.info, which) for which in (options.get("channels"), None))
        floor, leave_free = options.get("floor", FLOOR), options.get("leave_free", 0)
        if "_asked" in self.__dict__ and chosen == every and not leave_free:
            return self._asked.with_floor(floor)
        return self._engine(None if chosen == every else chosen, floor, leave_free)

    def _engine(self, channels: list[int] | None, floor: float, leave_free: int) -> "OnnxEngine":
        from detector.inference.onnx_engine import OnnxEngine

        for is_last in (False, True):
            for _ in self.make_graph(channels):
                pass
            try:
                return OnnxEngine(self._graph(channels), floor=floor, leave_free=leave_free)
            except CheckpointError:
                if is_last:
                    raise
                self._graph(channels).unlink(missing_ok=True)  # a cache that was damaged is made anew
        raise AssertionError

    def time_export(self) -> float:
        """How long making the graph takes, in seconds, if no cache has it. Raises CheckpointError."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for _ in self._export(Path(folder) / "graph.onnx", None):
                pass
        return time.perf_counter() - began

    def make_graph(self, channels: Sequence[int] | None = None) -> Generator[None, None, None]:
        """Make the graph, of these channels or of all, where the cache does not have it, in a process of its own.

        Yields ten times a second while that works; closing it ends the process. Raises CheckpointError.
        """
        path = self._graph(channels)
        if path.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            made = temporary.with_suffix(".onnx")
            yield from self._export(made, channels)
            made.replace(temporary)

    def _export(self, path: Path, channels: Sequence[int] | None) -> Generator[None, None, None]:
        said = {"--variant": self._variant, "--classes": self._classes}
        options = [part for option, value in said.items() if value is not None for part in (option, str(value))]
        asked = [f"--channel={channel}" for channel in channels or ()]
        yield from _run([sys.executable, str(MAIN), "export-onnx", self._name, str(path), *asked, *options])

    def _graph(self, channels: Sequence[int] | None) -> Path:
        """The graph's file in the cache."""
        return user_cache() / "graphs" / f"{self._key(channels)}.onnx"

    @cached_property
    def _weights_key(self) -> str:
        return file_key(self._path)

    def _key(self, channels: Sequence[int] | None) -> str:
        """What the graph depends on: the weights, and what is said of them."""
        names = self._classes.read_bytes() if self._classes and self._classes.is_file() else b""
        said = f"{GRAPHS} {self._variant} {channels and list(channels)} {self._path.name}".encode()
        return hashlib.sha256(b"\0".join((self._weights_key.encode(), said, names))).hexdigest()[:32]


def _run(command: list[str]) -> Generator[None, None, None]:
    """Run a command; raises CheckpointError with its last line where it fails."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        while True:
            try:
                _, said = child.communicate(timeout=TICK)
                break
            except subprocess.TimeoutExpired:
                yield
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if child.returncode:
        lines = said.strip().splitlines() or [f"{' '.join(command[1:3])} ended with {child.returncode}."]
        raise CheckpointError(lines[-1].removeprefix("error: "))
