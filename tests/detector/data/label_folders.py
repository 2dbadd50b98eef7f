"""What the tests of label formats share: folders made of a few lines."""

from pathlib import Path

from PIL import Image

SIZE = (100, 50)


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """Files by their paths below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def pictures(root: Path, *names: str, size: tuple[int, int] = SIZE, **options: object) -> Path:
    """Pictures of a size, each of a shade of its own."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number % 256, number // 256, 9)).save(path, **options)
    return root
