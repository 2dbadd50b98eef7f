"""evaluate: how good a model is on a labelled data set."""

from detector.commands.console import answer, answer_json, number
from detector.commands.options import (
    AsJson,
    BatchSize,
    ClassFile,
    DataFile,
    DeviceName,
    Exact,
    ImageFolder,
    ModelName,
    VariantName,
)


def evaluate(
    data: DataFile,
    model: ModelName,
    images: ImageFolder = None,
    exact: Exact = False,
    as_json: AsJson = False,
    variant: VariantName = None,
    classes: ClassFile = None,
    device: DeviceName = "auto",
    batch: BatchSize = None,
) -> None:
    """Measure a model on the boxes of a COCO file.

    Prints COCO's twelve numbers and AP by class. Classes are matched by name; one that the model does not know has
    AP 0, which counts in the mean. Detections count down to score 0. Pictures that cannot be read are left out.
    """
    from detector.commands.data import match_classes, read_labelled
    from detector.commands.prediction import ShownPredictor, report_failures
    from detector.inference.sources import open_source
    from detector.training.evaluation import METRICS, evaluate_model

    labelled = read_labelled(data, images or data.parent)
    opened = open_source(model, device=device, exact=exact, variant=variant, classes=classes)
    matched = match_classes(opened.info.classes, labelled.dataset, otherwise="each counts with AP 0")
    predictor = ShownPredictor(opened.engine(floor=0.0, channels=matched, batch=batch))
    measured, failures = evaluate_model(predictor, labelled.dataset, labelled.paths, matched)
    report_failures(failures, len(labelled.paths))
    metrics = {name: measured.metrics.get(name) for name in METRICS}
    if as_json:
        images_read = len(labelled.paths) - len(failures)
        answer_json({"images": images_read, "metrics": metrics, "class_ap": dict(measured.class_ap)})
        return
    for name, value in [*metrics.items(), *((f"AP of {name}", ap) for name, ap in measured.class_ap.items())]:
        answer(f"{number(value):>6}  {name}")
