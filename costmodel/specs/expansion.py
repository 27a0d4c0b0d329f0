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
from costmodel.errors import Problem, ShapeError, SpecError
from costmodel.expressions import ExpressionError
from costmodel.files import Document
from costmodel.graph import IMAGE, TOKENS, Graph, Layer, Shape
from costmodel.operators import OPERATORS, Operator
from costmodel.operators.combining import Split
from costmodel.positions import KeyPath
from costmodel.records import replace
from costmodel.specs.flow import (
    Flow,
    Frame,
    Naming,
    Tensor,
    check_bounds,
    doubtful,
    flow_sizes,
    is_doubtful,
    shape_changes,
)  # fmt: skip
from costmodel.specs.parameters import structural
from costmodel.specs.program import Program
from costmodel.specs.reader import MAXIMUM_PROBLEMS
from costmodel.specs.steps import (
    Action,
    Block,
    BlockCall,
    Branches,
    Broken,
    Call,
    Group,
    Identity,
    OperatorCall,
    Reference,
    Residual,
    RowsByWord,
    Step,
    StepList,
    Target,
)  # fmt: skip
from costmodel.specs.unknown import UNKNOWN, is_unknown
from costmodel.specs.values import FLOW_NAMES, BadValueError, Value, shown, whole_size

from costmodel.specs.mistakes import TooLargeError, TooManyMistakesError
from costmodel.specs.walk import MAXIMUM_LAYERS, MAXIMUM_STEPS, Expansion


def expand(self, step: Step, call: BlockCall, scope: dict[str, Any], flow: Flow, name: str) -> Flow:
        """Run a block's steps in a scope of its own."""
        block = call.block
        inner = dict(self.file_scope) if block.local else {}
        for argument in call.arguments:
            inner[argument.name] = self.compute(step, argument.value, argument.path, scope, flow)
            self.check_choice(step, block, argument.name, inner[argument.name], argument.path)
        names: dict[str, Flow] = {"input": flow}
        if block.inputs:
            if len(flow) != len(block.inputs):
                if not is_doubtful(flow):
                    self.report(
                        step, step.path, f"block {block.name!r} takes {len(block.inputs)} inputs "
                        f"({', '.join(block.inputs)}), got {len(flow)}", "write from = [-1, -2] or names",
                    )  # fmt: skip
                self.loose_ends = True
                flow = doubtful(flow) * len(block.inputs)
            names |= {label: (tensor,) for label, tensor in zip(block.inputs, flow, strict=True)}
            names["input"] = flow = flow[:1]
        given = {argument.name for argument in call.arguments}
        for parameter in block.parameters.values():
            if parameter.name not in given and parameter.default is not None:
                default = parameter.default
                inner[parameter.name] = self.compute_default(step, block, default.value, default.path, inner, flow)
        outer = self.sharing
        if outer is not None and outer[1] < 0:
            self.sharing = (outer[0], name.count(".") + 1)
        result = self.run(block.body, inner, flow, Frame(names, []), Naming(name + ".", block.body.plural))
        self.sharing = outer
        return result

    def check_choice(self, step: Step, block: Block, name: str, value: Any, path: KeyPath) -> None:
        """A parameter of a block that takes words must get one of them."""
        choices = block.parameters[name].choices
        if choices and not is_unknown(value) and value not in choices:
            self.report(step, path, f"{name} = {shown(value)} is not one of {', '.join(choices)}")

    def compute_default(
        self, step: Step, block: Block, value: Value, path: KeyPath, scope: dict[str, Any], flow: Flow
    ) -> Any:
        """A default of a block; what is wrong with it is reported where the block stands."""
        if value.constant:
            return value.compute(scope)
        inside = replace(step, document=block.document, path=path) if block.document is not step.document else step
        return self.compute(inside, value, path, scope, flow)

    def residual(
        self, step: Step, action: Residual, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """add(body(x), x), with a projection or without a shortcut where the shape changes."""
        result = self.run(action.body, scope, flow, frame, naming)
        if len(flow) != 1 or len(result) != 1:
            if not is_doubtful(flow) and not is_doubtful(result):
                problem = f"residual: {len(flow)} tensors enter and its steps give {len(result)}; both must be one"
                self.report(step, step.path, problem, "join them with branches or concat")
            self.loose_ends = True
            return doubtful(result)
        (_, before), (_, after) = flow[0], result[0]
        if shape_changes(before, after):
            if action.may_drop:
                return result
            if action.projection is None and (is_doubtful(flow) or is_doubtful(result)):
                return result
            if action.projection is None:
                self.report(
                    step, step.path, f"residual: the shape changes from {before} to {after}",
                    'write projection = [...] or projection = "drop"',
                )  # fmt: skip
                return result
            prefix = naming.next("projection") + "."
            projection = self.run(action.projection, scope, flow, frame, Naming(prefix, action.projection.plural))
            flow = projection
        return self.emit(step, OPERATORS["add"](), (*result, *flow), naming.next("add"))

    def branches(
        self, step: Step, action: Branches, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """Run the branches in the order written, then join them."""
        root = naming.next("branches") + "." if "branches" in naming.plural else naming.prefix
        bodies = list(action.branches)
        scopes = [scope] * len(bodies)
        feeds: list[Flow] = [flow] * len(bodies)
        if action.element is not None and action.elements is not None:
            elements = self.compute(step, action.elements.value, action.elements.path, scope, flow)
            if not isinstance(elements, tuple) or not elements:
                if not is_unknown(elements):
                    problem = f"in = {shown(elements)} is not a list with elements"
                    self.report(step, action.elements.path, problem, "give a list such as [3, 5, 7]")
                return doubtful(flow)
            bodies *= len(elements)
            scopes = [{**scope, action.element: element, "parts": len(elements)} for element in elements]
            feeds = [flow] * len(bodies)
            if action.split and len(elements) > 1:
                parts = self.emit(step, Split((len(elements),), "first"), flow, naming.next("split"))
                feeds = [(part,) for part in parts] if len(parts) == len(bodies) else [parts] * len(bodies)
        elif len(flow) > 1:
            if len(flow) != len(bodies):
                problem = f"the step above has {len(flow)} outputs, there are {len(bodies)} branches"
                self.report(step, step.path, problem, "write one branch per output; [] passes it on")
                self.loose_ends = True
                return doubtful(flow)
            feeds = [(part,) for part in flow]
        results: list[Tensor] = []
        for number, (body, own_scope, feed) in enumerate(zip(bodies, scopes, feeds, strict=True), start=1):
            result = self.run(body, own_scope, feed, frame, Naming(f"{root}branch_{number}.", body.plural))
            results += result
        if len(results) == 1:
            return tuple(results)
        return self.emit(step, OPERATORS[action.join](), tuple(results), naming.next(action.join))


def entry_at(document: Document, path: KeyPath) -> Any:
    """What stands at a key path of a document."""
    given: Any = document.data
    for part in path:
        given = given[part]
    return given


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
        return Graph(program.name, dict(frame.names["input"]), tuple(walk.layers), outputs, parameters, program.source)
    raise SpecError(sorted(walk.problems.values() or program.problems, key=lambda each: (each.line, each.column)))


def _walked(program: Program, walk: Expansion, scope: dict[str, Any]) -> tuple[Flow, Frame]:
    sizes: list[Any] = []
    for index, value in enumerate(program.input):
        try:
            sizes.append(whole_size(value.compute(scope), "input", None, 1))
        except (ExpressionError, BadValueError) as error:
            walk.problems["input", index] = program.document.problem(("input", index), error.problem, error.remedy)
            sizes.append(UNKNOWN)
    shape = Shape(TOKENS if len(sizes) == 2 else IMAGE, tuple(sizes) or (UNKNOWN,) * 3)
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
