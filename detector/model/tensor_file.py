"""Files of named tensors that other programs wrote: PyTorch's pickles, of which only tensors are ever made, and
safetensors.
"""

import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from detector.errors import CheckpointError

SWELLS, SMALL = 10, 1 << 24  # PyTorch packs nothing, and weights hardly shrink; bytes that do no harm in any case
WRAPPERS = re.compile(r"^(?:module\.|model\.)*")  # what wraps a network while it trains


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in a file by name, on the CPU; no code in it can run. Raises CheckpointError."""
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise CheckpointError(
            f"{path} is no table of named tensors, so it is not a checkpoint that this program can read."
        )
    return {WRAPPERS.sub("", name): tensor for name, tensor in content.items()}


def _read_pickle(path: Path) -> object:
    _refuse_bomb(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than plain tensors, or is no checkpoint; it was not opened, since it could run code."
        ) from error
    except Exception as error:  # damage shows as anything, IndexError and AssertionError included
        raise CheckpointError(
            f"{path} cannot be read as a PyTorch checkpoint ({type(error).__name__}); is it complete?"
        ) from error


def _refuse_bomb(path: Path) -> None:
    """Raises CheckpointError where a .pth file, which is a zip, would swell to far more than weights ever do."""
    with suppress(OSError, ValueError, NotImplementedError, zipfile.BadZipFile), zipfile.ZipFile(path) as packed:
        if sum(member.file_size for member in packed.infolist()) > SWELLS * path.stat().st_size + SMALL:
            raise CheckpointError(f"{path} would unpack to far more than its size; it was not opened.")


def _read_safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a .safetensors checkpoint ({error}); is it complete?"
        ) from error
