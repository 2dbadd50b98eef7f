"""What a camera does to the light: exposure, white balance, vignette, blur, sensor noise, JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray


def light_pool(rng: np.random.Generator, *, width: int, height: int) -> NDArray[np.float32]:
    """The lamp's light on each pixel (height, width, 1), about 1: it falls off, sometimes across a shadow's edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / width - 0.5 * height / width
    around = rng.uniform(0, 2 * np.pi)
    along = x * np.float32(np.cos(around)) + y * np.float32(np.sin(around))
    pool = 1 + rng.uniform(0, 0.7) * along - rng.uniform(0, 0.5) * (x * x + y * y)
    if rng.random() < 0.3:
        edge = (along - rng.uniform(-0.3, 0.4)) / rng.uniform(0.01, 0.2)
        pool *= 1 - rng.uniform(0.2, 0.6) / (1 + np.exp(np.clip(-6 * edge, -30, 30)))
    return pool[..., None].astype(np.float32)


def photograph(rng: np.random.Generator, canvas: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The canvas (H, W, 3), linear RGB light, as a uint8 RGB photograph of it."""
    # Cameras miss the colour of the lamp far more often than that they make things green or pink.
    warmth = rng.normal(0.04, 0.1)
    balance = np.exp(np.array([warmth, 0, -warmth]) + rng.normal(0, 0.025, 3))
    exposure = rng.uniform(0.1, 0.32) / max(float(np.mean(cv2.mean(canvas)[:3])), 1e-3)
    exposure **= rng.uniform(0.5, 1)
    # Metered for the bright parts too: on a dark bench bare steel would turn into a flat white.
    exposure = min(exposure, 0.85 / max(float(np.quantile(canvas[::4, ::4, 1], 0.99)), 1e-3))
    image = canvas * (exposure * balance).astype(np.float32)
    sigma = rng.uniform(0.3, 1.1) if rng.random() < 0.8 else rng.uniform(1.1, 1.7)
    image = cv2.GaussianBlur(image, (0, 0), sigma * canvas.shape[1] / 640)
    image *= 1.3 / (1 + 0.3 * np.maximum(image, 0))  # the shoulder of a film keeps bright metal from going flat
    # The square root stands for the usual gamma and makes shot noise even over all brightnesses.
    image = np.sqrt(np.maximum(image, 0)) * 255
    image += rng.standard_normal(image.shape[:2], np.float32)[..., None] * np.float32(rng.uniform(0.5, 5))
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    quality = int(rng.integers(70, 96))
    coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a line ago
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)
