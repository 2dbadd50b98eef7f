"""Which processor does the work, and with what, and how to say so. torch is loaded only where a GPU may be there."""

import ctypes.util
import os
import platform
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import OptionsError

if TYPE_CHECKING:
    import torch

GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # NVIDIA's driver, the one of WSL, AMD's


class EngineKind(StrEnum):
    """What computes: ONNX Runtime, on the CPU, or PyTorch."""

    ONNX = "onnx"
    TORCH = "torch"


def is_cpu(wanted: str) -> bool:
    """Whether `pick` would take the CPU, as far as that can be told at once, without torch."""
    if wanted != "auto":
        return wanted == "cpu"
    if sys.platform == "darwin":
        return platform.machine() != "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is None
    return not any(Path(name).exists() for name in GPU_FILES)


def cores() -> int:
    """How many cores this process may use: of those that torchrun started on this machine, its share."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, found // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def pick(wanted: str = "auto") -> "torch.device":
    """The device for `wanted`: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:1", "mps".

    Raises OptionsError where the wanted device is not there.
    """
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise OptionsError(f"There is no device “{wanted}”; use auto, cpu, cuda, cuda:N or mps.") from error
    counts = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= counts.get(device.type, 0):
        raise OptionsError(
            f"The device “{wanted}” is not available on this machine; use --device cpu, or auto to take the best one."
        )
    return device


def gpus(device: "torch.device") -> int:
    """How many GPUs a training on this device can use: 0 on the CPU; all of them only where PyTorch can connect them
    and none was named.
    """
    from torch import cuda, distributed

    if device.type != "cuda":
        return int(device.type != "cpu")
    together = device.index is None and distributed.is_available() and distributed.is_nccl_available()
    return cuda.device_count() if together else 1


def half_precision(device: "torch.device") -> "torch.dtype | None":
    """The 16-bit floating-point type in which a device multiplies quicker than in 32 bits; None where there is none."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu":
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of PyTorch cannot tell
        return torch.bfloat16 if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else None
    return None


def leave_cores(count: int) -> None:
    """From now on let PyTorch leave so many cores to others, where there are more."""
    import torch

    torch.set_num_threads(max(1, cores() - count))


def describe(device: "torch.device") -> str:
    """The device in words: "CUDA: NVIDIA H200", "MPS", "CPU: 2 threads"."""
    import torch

    if device.type == "cuda":
        return f"CUDA: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "MPS"
    threads = torch.get_num_threads()
    return f"CPU: {threads} thread{'s' * (threads != 1)}"


def free_memory() -> None:
    """Give back the GPU memory that PyTorch keeps for later, so that another process has it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
