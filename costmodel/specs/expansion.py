"""Checked steps and parameter values to a graph. The only walk over a network's structure.

Expressions read shapes (`in_channels`) and a residual compares them, so the operators' shape rules run here.
A mistake makes the sizes of its step's output unknown (`costmodel.specs.unknown`) and the walk goes on, so that
all independent mistakes are reported together.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.errors import Problem, SpecError
from costmodel.expressions import ExpressionError
from costmodel.files import Document
from costmodel.graph import IMAGE, Graph, Shape
from costmodel.specs.flow import Flow, Frame, Naming
from costmodel.specs.mistakes import TooLargeError, TooManyMistakesError
from costmodel.specs.program import AXES, Program
from costmodel.specs.reader import MAXIMUM_PROBLEMS
from costmodel.specs.unknown import UNKNOWN
from costmodel.specs.values import BadValueError, whole_size
from costmodel.specs.walk import MAXIMUM_LAYERS, MAXIMUM_STEPS, Expansion


def expand(program: Program, given: Mapping[str, Any]) -> Graph:
    """The graph of a program for the given parameters.

    Raises: ParameterError, SpecError (all mistakes at once), StructureError.
    """
    problems: list[Problem] = []
    swept: Any = nullcontext()
    if any(is_array(value) for value in given.values()):
        import numpy

        swept = numpy.errstate(divide="raise", invalid="raise", over="raise")
    with swept:
        parameters, scope = program.resolve(given, problems)
        walk = Expansion(program, scope, problems)
        flow, frame = _walked(program, walk, scope)
    outputs = _outputs(program, walk, frame, flow)
    if not walk.problems and not program.problems:
        name = program.name_of(parameters)
        return Graph(name, dict(frame.names["input"]), tuple(walk.layers), outputs, parameters, program.source)
    raise SpecError(sorted(walk.problems.values() or program.problems, key=lambda each: (each.line, each.column)))


def _walked(program: Program, walk: Expansion, scope: dict[str, Any]) -> tuple[Flow, Frame]:
    sizes: list[Any] = []
    for index, value in enumerate(program.input):
        try:
            sizes.append(whole_size(value.compute(scope), "input", None, 1))
        except (ExpressionError, BadValueError) as error:
            walk.problems["input", index] = program.document.problem(("input", index), error.problem, error.remedy)
            sizes.append(UNKNOWN)
    shape = Shape(AXES[len(sizes)], tuple(sizes)) if sizes else Shape(IMAGE, (UNKNOWN,) * 3)
    flow: Flow = (("input", shape),)
    frame = Frame({"input": flow}, [flow])
    naming = Naming("", program.layers.plural)
    try:
        for step in program.layers.steps:
            flow = walk.step(step, scope, flow, frame, naming)
    except TooLargeError:
        walk.problems["too large",] = _too_large(program.document, walk)
        walk.loose_ends = True
    except TooManyMistakesError:
        walk.loose_ends = True
    except RecursionError:
        place = walk.calls[0].path if walk.calls else ("layers",)
        problem = program.document.problem(place, "blocks and lists are nested too deeply here", "write some in place")
        walk.problems["nested",] = problem
        walk.loose_ends = True
    return flow, frame


def _too_large(document: Document, walk: Expansion) -> Problem:
    """The message for a network without end: at the innermost repeat, with the repeats around it."""
    own = [call for call in walk.calls if call.document is document]
    repeats = [call for call in own if call.repeat is not None] or own
    around = tuple(f"{document.place(call.path)}: {document.line_at(call.path)}" for call in reversed(repeats[:-1]))
    innermost = repeats[-1]
    path = (*innermost.path, "repeat") if innermost.repeat is not None else innermost.path
    return document.problem(
        path, f"the network would have more than {MAXIMUM_LAYERS:,} layers (or {MAXIMUM_STEPS:,} steps) here",
        "the limit counts all layers of the network, not one repeat", used_at=around[:5],
    )  # fmt: skip


def _outputs(program: Program, walk: Expansion, frame: Frame, flow: Flow) -> tuple[str, ...]:
    """The names of the network's outputs, after the checks that need the whole network."""
    document, quiet = program.document, walk.loose_ends or bool(program.problems)
    names = [name for name, _ in flow] if not program.outputs else []
    for index, label in enumerate(program.outputs):
        names += [name for name, _ in frame.names.get(label, ())]
        if label not in frame.names and not quiet:
            problem = f"the output {label!r} was not executed: its `if` does not hold, or its repeat is 0"
            walk.problems["output", index] = document.problem(("outputs", index), problem, "remove it from outputs")
    if not walk.layers and not walk.problems and not quiet:
        walk.problems["empty",] = document.problem(("layers",), "the network has no layers", "add steps")
    read = walk.used | set(names)
    for layer in walk.layers if not quiet else ():
        if not read & set(layer.outputs) and layer.origin is not None and len(walk.problems) < MAXIMUM_PROBLEMS:
            problem = f"the output of {layer.name!r} is never used"
            walk.problems[layer.origin] = document.problem(
                layer.origin[1], problem, "add it to outputs or remove the step"
            )
    return tuple(names)
