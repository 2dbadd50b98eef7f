"""The classes that published models know, told without torch."""

COCO_OUTPUTS = 90
COCO_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
COCO_NAMES = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop
sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard,
cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier,
toothbrush"""


def coco_classes() -> tuple[str | None, ...]:
    """COCO's 80 class names at channel id − 1 of a 90-output head; None at the ten gaps."""
    names = iter(COCO_NAMES.replace("\n", " ").split(", "))
    return tuple(None if id in COCO_GAPS else next(names) for id in range(1, COCO_OUTPUTS + 1))
