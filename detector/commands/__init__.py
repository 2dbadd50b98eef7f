"""What each subcommand does, a module each, named like it; `detector.cli` gathers them."""

COMMANDS = (
    "auto-label",
    "fine-tune",
    "evaluate",
    "convert",
    "fusion",
    "variants",
    "weights",
    "export-onnx",
    "bench",
    "workbench",
)
