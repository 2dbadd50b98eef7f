"""variants: the published models, or one of any ϕ, with their parameters and multiply-adds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from typer import BadParameter, Option

from detector.commands.console import answer, answer_json
from detector.commands.options import AsJson
from detector.model.deviations import Deviation, backbone_deviations, deviations
from detector.model.scaling import BACKBONE_FORMULAS, DETECTOR_FORMULAS
from detector.model.variants import BACKBONES, VARIANTS, Backbone, Variant, find_variant, scaled_variant

if TYPE_CHECKING:
    from detector.model.complexity import Layer, Total

# Columns: the value's key, the heading where it is another word, the width, the format.
DETECTOR_COLUMNS = (
    ("name", "", -17, "s"),
    ("backbone", "", -9, "s"),
    ("image_size", "px", 5, "d"),
    ("channels", "width", 6, "d"),
    ("cells", "", 6, "d"),
    ("head_depth", "head", 5, "d"),
    ("neck", "neck", 8, "s"),
    ("fusion", "", 9, "s"),
    ("anchors", "", 8, ",d"),
    ("parameters", "", 12, ",d"),
    ("gigamacs", "GMACs", 8, ".2f"),
    ("coco_ap", "AP", 6, ".1f"),
)
CLASSIFIER_COLUMNS = (
    ("name", "", -9, "s"),
    ("width", "", 6, ".2f"),
    ("depth", "", 6, ".2f"),
    ("resolution", "px", 5, "d"),
    ("dropout", "", 8, ".2f"),
    ("parameters", "", 12, ",d"),
    ("gigamacs", "GMACs", 8, ".2f"),
)
STAGE_COLUMNS = (
    ("stage", "", -11, "s"),
    ("parameters", "", 12, ",d"),
    ("macs", "MACs", 16, ",d"),
    ("share", "", 8, ".1%"),
)
LAYER_COLUMNS = (
    ("name", "layer", -42, "s"),
    ("kind", "", -10, "s"),
    ("kernel", "K", 2, "d"),
    ("inputs", "C1", 6, "d"),
    ("outputs", "C2", 6, "d"),
    ("height", "H", 5, "d"),
    ("width", "W", 5, "d"),
    ("parameters", "", 11, ",d"),
    ("macs", "MACs", 15, ",d"),
)
Columns = Sequence[tuple[str, str, int, str]]


def variants(
    as_json: AsJson = False,
    phi: Annotated[float | None, Option(help="One model by the formulas, of a ϕ from −1 to 7.")] = None,
    layers: Annotated[str | None, Option(metavar="NAME", help="All layers of one: d0, phi1.5, d0+fpn, b0 ….")] = None,
) -> None:
    """List the published models with their parameters and multiply-adds, and what the scaling formulas say."""
    if phi is not None and layers is not None:
        raise BadParameter(f"--phi and --layers exclude each other; --layers phi{phi:g} names that model.")
    if layers is not None:
        _show_layers(layers, as_json)
        return
    shown = list(VARIANTS.values()) if phi is None else [scaled_variant(phi)]
    backbones = list(BACKBONES.values()) if phi is None else [shown[0].backbone]
    detectors, classifiers = map(_detector, shown), map(_classifier, backbones)  # counted when they are asked for
    if as_json:
        formulas = {"efficientdet": DETECTOR_FORMULAS, "efficientnet": BACKBONE_FORMULAS}
        answer_json({"formulas": formulas, "variants": list(detectors), "efficientnets": list(classifiers)})
        return
    answer("EfficientDet with COCO's 90 outputs; AP on COCO val2017 as published")
    for line in _table(DETECTOR_COLUMNS, detectors):
        answer(line)
    answer("")
    answer("EfficientNet with ImageNet's 1,000 classes")
    for line in _table(CLASSIFIER_COLUMNS, classifiers):
        answer(line)
    for line in _formulas(shown, backbones):
        answer(line)


def _show_layers(name: str, as_json: bool) -> None:
    from detector.model.complexity import by_stage, count_classifier, count_detector, total

    backbone = BACKBONES.get(name.lower())
    counted = count_classifier(backbone) if backbone else count_detector(find_variant(name))
    stages, rows = _stages(by_stage(counted), total(counted)), [asdict(layer) for layer in counted]
    if as_json:
        answer_json({"name": name.lower(), **asdict(total(counted)), "stages": stages, "layers": rows})
        return
    for line in _table(LAYER_COLUMNS, rows):
        answer(line)
    answer("The parameters of a layer that serves several levels stand at its first use.")
    answer("")
    for line in _table(STAGE_COLUMNS, [*stages, {"stage": "all", **asdict(total(counted)), "share": 1.0}]):
        answer(line)


def _detector(variant: Variant) -> dict[str, Any]:
    """A variant as JSON values."""
    from detector.model.anchors import count_anchors
    from detector.model.complexity import count_detector

    return {
        "name": variant.name,
        "phi": variant.phi,
        "backbone": variant.backbone.name,
        "image_size": variant.image_size,
        "channels": variant.channels,
        "cells": variant.cells,
        "head_depth": variant.head_depth,
        "neck": str(variant.neck),
        "fusion": str(variant.fusion),
        "levels": list(variant.levels),
        "anchor_scale": variant.anchor_scale,
        "anchors": count_anchors(variant, variant.image_size, variant.image_size),
        "coco_ap": variant.coco_ap,
        **_counts(count_detector(variant)),
        "deviations": [asdict(found) for found in _known_deviations(variant)],
    }


def _classifier(backbone: Backbone) -> dict[str, Any]:
    """An EfficientNet as JSON values."""
    from detector.model.complexity import count_classifier

    published = backbone.name in BACKBONES
    found = backbone_deviations(backbone) if published else ()
    return {**asdict(backbone), **_counts(count_classifier(backbone)), "deviations": [asdict(one) for one in found]}


def _counts(layers: "Sequence[Layer]") -> dict[str, Any]:
    from detector.model.complexity import by_stage, total

    sums = total(layers)
    return {**asdict(sums), "gigamacs": sums.macs / 1e9, "stages": _stages(by_stage(layers), sums)}


def _stages(stages: "Mapping[str, Total]", sums: "Total") -> list[dict[str, Any]]:
    return [{"stage": name, **asdict(one), "share": one.macs / sums.macs} for name, one in stages.items()]


def _known_deviations(variant: Variant) -> tuple[Deviation, ...]:
    return deviations(variant) if variant.name in VARIANTS else ()


def _formulas(shown: Sequence[Variant], backbones: Sequence[Backbone]) -> Iterator[str]:
    """The formulas, and where the published rows do not follow them."""
    for title, formulas in (("EfficientDet", DETECTOR_FORMULAS), ("EfficientNet", BACKBONE_FORMULAS)):
        yield ""
        yield f"{title} by the formulas: " + "; ".join(f"{name} {formula}" for name, formula in formulas.items())
    found = {variant.name: _known_deviations(variant) for variant in shown}
    found |= {backbone.name: backbone_deviations(backbone) for backbone in backbones if backbone.name in BACKBONES}
    if any(found.values()):
        yield ""
        yield "Published otherwise than by the formulas (these in brackets):"
    for name, those in found.items():
        if those:
            yield f"{name:4} " + ", ".join(f"{one.quantity} {one.published} ({one.formula})" for one in those)


def _table(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A heading and a line per row, each as soon as it is known; a negative width aligns left."""
    yield "".join(_cell(heading or key, width) for key, heading, width, _ in columns).rstrip()
    for row in rows:
        texts = ["–" if row[key] is None else format(row[key], form) for key, _, _, form in columns]
        yield "".join(_cell(text, width) for text, (_, _, width, _) in zip(texts, columns, strict=True)).rstrip()


def _cell(text: str, width: int) -> str:
    return text.ljust(-width) if width < 0 else text.rjust(width)
