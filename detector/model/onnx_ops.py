"""A graph of ONNX operators that grows node by node, each named by its result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # what goes with the opset: newer ones keep older runtimes from loading the file
Array = NDArray[np.float32] | NDArray[np.int64] | NDArray[np.bool_]
Shape = Sequence[int | str]  # a name where the size is dynamic


class GraphOps:
    """Operators and constants on their way into a model. Values are known by their names in the graph.

    precise: swish is made of Exp, which ONNX Runtime computes to the last bits. Its kernel for Sigmoid is a third of a
    D0 quicker, and puts logits off by some 3e-4.
    """

    def __init__(self, *, precise: bool) -> None:
        self._precise = precise
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add an operator; the name of its first result. Further ones are called after it, with .1, .2 …"""
        name = f"{kind}_{len(self._nodes)}"
        names = [name, *(f"{name}.{i}" for i in range(1, outputs))]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return name

    def constant(self, value: Array | Sequence[int] | float | int) -> str:
        """Add a constant, once for however many uses; whole numbers become int64, others float32."""
        array = np.asarray(value)
        if array.dtype.kind in "iuf":
            array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, f"constant_{len(self._constants)}")
        return self._constants[key].name

    def default(self, name: str, value: Array | float) -> str:
        """A further input that need not be given, and its value then; list it among the model's inputs, too."""
        array = np.asarray(value, np.float32)
        self._constants[(name, (), b"")] = numpy_helper.from_array(array, name)
        return name

    def cast(self, x: str, kind: int) -> str:
        """Another type of number, one of onnx.TensorProto's."""
        return self.op("Cast", x, to=kind)

    def floats(self, x: str) -> str:
        """As float32."""
        return self.cast(x, TensorProto.FLOAT)

    def swish(self, x: str) -> str:
        """x · sigmoid(x)."""
        if not self._precise:
            return self.op("Mul", x, self.op("Sigmoid", x))
        return self.op("Div", x, self.op("Add", self.op("Exp", self.op("Neg", x)), self.constant(1.0)))

    def alias(self, x: str, name: str) -> None:
        """Give a value the name that it has outside."""
        self._nodes.append(helper.make_node("Identity", [x], [name], name=name))

    def model(
        self,
        inputs: Mapping[str, tuple[int, Shape]],
        outputs: Mapping[str, tuple[int, Shape]],
        *,
        metadata: Mapping[str, str],
    ) -> onnx.ModelProto:
        """The finished model; inputs and outputs: type of number and shape by name. Raises ValueError if it is none."""
        graph = helper.make_graph(
            self._nodes,
            "EfficientDet",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()],
            list(self._constants.values()),
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="EfficientDet Studio"
        )
        helper.set_model_props(model, dict(metadata))
        return model
