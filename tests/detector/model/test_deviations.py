from detector.model.deviations import backbone_deviations, deviations
from detector.model.variants import BACKBONES, VARIANTS


def test_the_detectors_deviate_from_the_formulas_where_it_is_known() -> None:
    found = {
        name: {d.quantity: (d.published, d.formula) for d in deviations(variant)} for name, variant in VARIANTS.items()
    }
    grown = {"image size": (1536, 1408), "channels": (384, 520), "cells": (8, 10), "fusion": ("sum", "fast")}
    assert found == {
        "d0": {},
        "d1": {},
        "d2": {"channels": (112, 120)},
        "d3": {},
        "d4": {"channels": (224, 216)},
        "d5": {"image size": (1280, 1152), "cells": (7, 8)},
        "d6": {"cells": (8, 9), "fusion": ("sum", "fast")},
        "d7": {"backbone": ("b6", "b7"), "anchor scale": (5.0, 4.0), **grown},
        "d7x": {"highest level": (8, 7), **grown},
    }


def test_the_classifiers_deviate_from_the_formulas_where_it_is_known() -> None:
    found = {
        name: {d.quantity: (d.published, d.formula) for d in backbone_deviations(backbone)}
        for name, backbone in BACKBONES.items()
    }
    assert found == {
        "b0": {},
        "b1": {"width": (1.0, 1.1), "depth": (1.1, 1.2), "resolution": (240, 258)},
        "b2": {"width": (1.1, 1.2), "depth": (1.2, 1.4), "resolution": (260, 296)},
        "b3": {"width": (1.2, 1.3), "depth": (1.4, 1.7), "resolution": (300, 341)},
        "b4": {"width": (1.4, 1.5), "depth": (1.8, 2.1), "resolution": (380, 392)},
        "b5": {"depth": (2.2, 2.5), "resolution": (456, 451)},
        "b6": {"depth": (2.6, 3.0), "resolution": (528, 518)},
        "b7": {"width": (2.0, 1.9), "depth": (3.1, 3.6), "resolution": (600, 596)},
    }
