"""Which processor does the work, and how to say so."""

import os

import torch

from detector.errors import OptionsError


def pick(wanted: str = "auto") -> torch.device:
    """The device for `wanted`: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:1", "mps".

    Raises OptionsError where the wanted device is not there.
    """
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


def leave_one_core() -> None:
    """From now on let PyTorch leave one core to others, where there are several."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def describe(device: torch.device) -> str:
    """The device in words: "CUDA: NVIDIA H200", "MPS", "CPU: 2 threads"."""
    if device.type == "cuda":
        return f"CUDA: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "MPS"
    threads = torch.get_num_threads()
    return f"CPU: {threads} thread{'s' * (threads != 1)}"


def free_memory() -> None:
    """Give back the GPU memory that PyTorch keeps for later, so that another process has it."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
