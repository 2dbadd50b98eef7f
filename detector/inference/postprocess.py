"""Raw outputs become detections: the highest logits, decoded, clipped, suppressed class by class."""

from collections.abc import Collection, Sequence
from math import inf

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import batched_nms, nms

from detector.boxes import Detections
from detector.inference.preprocess import Prepared
from detector.model.anchors import decode

CANDIDATES = 5000  # pairs of anchor and channel that suppression sees, per image
DETECTIONS = 100  # what is left of them at most
IOU = 0.5  # above this overlap, the better box of a class suppresses the other
TOGETHER = 40_000  # boxes that suppression compares at once on a GPU: n²/8 bytes, 200 MB


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

    at_once = 1 if exact or device.type == "cpu" else max(1, TOGETHER // max(1, values.shape[1]))
    owners, places = [], []
    for first in range(0, len(images), at_once):
        part = slice(first, first + at_once)
        owner, place = suppress(boxes[part], scores[part], classes[part], usable[part])
        owners.append(owner + first)
        places.append(place)
    owner, place = torch.cat(owners), torch.cat(places)
    wanted = (scores[owner, place] >= floor) & emitted[classes[owner, place]]
    owner, place = owner[wanted], place[wanted]
    table = (boxes * scales)[owner, place], scores[owner, place], classes[owner, place], rows[owner, place]
    ends = owner.bincount(minlength=len(images)).cumsum(0).cpu().numpy()
    columns = [np.split(column.cpu().numpy(), ends[:-1]) for column in table]
    return [Detections(*row) for row in zip(*columns, strict=True)]


def suppress(boxes: Tensor, scores: Tensor, classes: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """The best of B images' boxes (B, K, 4) that no better one of their class suppresses, at most 100 of each image,
    best first: image (D,) and place in 0..K (D,), image by image.
    """
    owner, place = usable.nonzero(as_tuple=True)
    if len(boxes) == 1 or not len(owner):
        order = batched_nms(boxes[owner, place], scores[owner, place], classes[owner, place], IOU)[:DETECTIONS]
        return owner[order], place[order]
    # Boxes of another class or image are moved out of reach: in float64, for that costs no digit of theirs.
    apart = boxes[owner, place].double()
    group = owner * (classes.max() + 1) + classes[owner, place]
    order = nms(apart + (group * (apart.max() + 1))[:, None], scores[owner, place].double(), IOU)
    order = order[owner[order].argsort(stable=True)]
    counts = owner[order].bincount(minlength=len(boxes))
    rank = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[owner[order]]
    order = order[rank < DETECTIONS]
    return owner[order], place[order]


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
