"""Recurrent layers over a sequence of tokens (the steps)."""

from __future__ import annotations

from typing import ClassVar

from costmodel.arithmetic import anywhere, first_where
from costmodel.errors import ShapeError
from costmodel.graph import TOKENS, Shape, Size
from costmodel.operators.base import Count, Counts, Operator, described, operator, the_only
from costmodel.records import record


@record
class Gated(Operator):
    """What LSTM and GRU share: `gates` matrices over the step's features and the hidden state.

    macs = steps * gates * hidden * (features + hidden) per direction; all steps are returned, two directions
    concatenated. `bias_vectors`: 2 as in cuDNN and PyTorch, 1 as in Keras, 0 for none.
    """

    hidden: Size
    bias_vectors: Count = 2
    bidirectional: bool = False

    gates: ClassVar[int]
    unit_adds: ClassVar[int]
    unit_multiplies: ClassVar[int]
    unit_sigmoids: ClassVar[int]
    unit_tanhs: ClassVar[int]

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if shape.axes != TOKENS:
            raise ShapeError(f"{self.verb} needs a sequence (tokens, c), got {described(shape)}", 'add a "tokens" step')
        output = shape.with_last(self.hidden * (1 + self.bidirectional))
        bad = (self.bias_vectors < 0) | (self.bias_vectors > 2)
        if anywhere(bad):
            problem = f"bias_vectors = {first_where(bad, self.bias_vectors)} must be 0, 1 or 2"
            raise ShapeError(problem, "2 as in cuDNN and PyTorch, 1 as in Keras, 0 for none", "bias_vectors", (output,))
        return (output,)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape, output = the_only(inputs), the_only(outputs)
        steps, features = shape.sizes
        rows = self.gates * self.hidden * (1 + self.bidirectional)
        weights = rows * (features + self.hidden)
        units = output.elements
        return Counts(
            macs=steps * weights,
            bias_adds=steps * rows * self.bias_vectors,
            adds=(self.unit_adds + self.unit_sigmoids) * units,
            multiplies=self.unit_multiplies * units,
            divisions=self.unit_sigmoids * units,
            exponentials=(self.unit_sigmoids + self.unit_tanhs) * units,
            weight_params=weights,
            bias_params=rows * self.bias_vectors,
            input_elements=shape.elements,
            output_elements=output.elements,
            weight_elements=weights,
        )

    def reach(self, inputs: tuple[Shape, ...]) -> None:
        return None


@operator("lstm", "recurrent", main="hidden")
class Lstm(Gated):
    """Long short-term memory: c' = f*c + i*g, h' = o*tanh(c').

    >>> from costmodel.graph import tokens
    >>> lstm, x = Lstm(64), tokens(10, 32)
    >>> lstm.count((x,), lstm.output_shapes((x,))).macs == 10 * 4 * 64 * (32 + 64)
    True
    """

    gates, unit_adds, unit_multiplies, unit_sigmoids, unit_tanhs = 4, 1, 3, 3, 2


@operator("gru", "recurrent", main="hidden")
class Gru(Gated):
    """Gated recurrent unit: h' = (1 - z)*n + z*h, with n = tanh(W x + r*(U h))."""

    gates, unit_adds, unit_multiplies, unit_sigmoids, unit_tanhs = 3, 3, 3, 2, 1
