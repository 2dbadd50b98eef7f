"""Raw outputs become detections: the highest logits, decoded, clipped, suppressed class by class."""

from collections.abc import Collection, Sequence
from math import inf

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from detector.boxes import Detections
from detector.inference.preprocess import Prepared
from detector.model.anchors import decode

CANDIDATES = 5000  # pairs of anchor and channel that suppression sees, per image
DETECTIONS = 100  # what is left of them at most
IOU = 0.5  # above this overlap, the better box of a class suppresses the other


@torch.inference_mode()
def detections(
    outputs: tuple[Tensor, Tensor],
    anchors: Tensor,
    images: Sequence[Prepared],
    *,
    channels: Collection[int],
    floor: float,
    exact: bool,
) -> list[Detections]:
    """What `outputs`, logits (B, N, C) and regressions (B, N, 4) against `anchors` (N, 4), say of B images.

    Only detections of `channels` with scores from `floor` on come out. Exact: as in the reference, whatever is left out
    competes for the candidates and the best 100 first. Otherwise only boxes with an area inside the image compete that
    can come out. What is not finite is dropped.
    """
    logits, regression = outputs
    device = logits.device
    emitted = torch.zeros(logits.shape[2], dtype=torch.bool, device=device)
    emitted[sorted(channels)] = True
    if exact:
        values, rows, classes = _candidates(logits, -inf)
    else:
        # Adding −inf to the others is three times cheaper than selecting 80 of 90 channels.
        threshold = torch.tensor(floor, dtype=torch.float64).logit().item()
        values, rows, classes = _candidates(logits + torch.where(emitted, 0.0, -inf), threshold)
    scores = values.sigmoid()

    coded = regression.gather(1, rows[..., None].expand(-1, -1, 4))
    boxes = decode(coded, anchors.to(device)[rows])
    usable = values.isfinite() & torch.cat([coded, boxes], dim=2).isfinite().all(2)
    scales = torch.tensor([image.scale for image in images], device=device)[:, None, None]
    sizes = torch.tensor([[image.width, image.height] * 2 for image in images], device=device)[:, None]
    boxes = boxes.clamp(min=0).minimum(sizes / scales)
    if not exact:
        usable &= (boxes[..., 2:] > boxes[..., :2]).all(2)

    found = []
    for i in range(len(images)):
        best = usable[i].nonzero()[:, 0]
        best = best[batched_nms(boxes[i, best], scores[i, best], classes[i, best], IOU)[:DETECTIONS]]
        best = best[(scores[i, best] >= floor) & emitted[classes[i, best]]]
        columns = boxes[i, best] * scales[i], scores[i, best], classes[i, best], rows[i, best]
        found.append(Detections(*(column.cpu().numpy() for column in columns)))
    return found


def _candidates(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    """The highest logits (B, N, C) over anchors × channels, best first: logits, anchors and channels, (B, K) each.

    The best pairs belong to the anchors of highest class maximum: no more anchors need a look than pairs are sought.
    """
    count = logits.shape[2]
    best, rows = _top(logits.amax(2), threshold)
    pairs = logits.gather(1, rows[..., None].expand(-1, -1, count)).masked_fill(best.isneginf()[..., None], -inf)
    values, flat = _top(pairs.flatten(1), threshold)
    return values, rows.gather(1, flat // count), flat % count


def _top(values: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """The highest finite values (B, N) from `threshold` on, and their indices: (B, K), padded with −inf."""
    usable = values.isfinite() & (values >= threshold)
    count = min(CANDIDATES, int(usable.sum(1).max()))
    return torch.where(usable, values, -inf).topk(count)
