"""The walk over checked steps that makes layers, names them and infers their shapes."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import structural
from costmodel.errors import ShapeError
from costmodel.expressions import ExpressionError
from costmodel.graph import Layer
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
from costmodel.specs.marking import Marking
from costmodel.specs.marks import UNMARKED
from costmodel.specs.mistakes import FLOW, TooLargeError, entry_at
from costmodel.specs.replay import Recording, key_of
from costmodel.specs.sharing import Sharing
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
    Residual,
    RowsByWord,
    Step,
    StepList,
    Target,
)  # fmt: skip
from costmodel.specs.unknown import is_unknown
from costmodel.specs.values import BadValueError, Value, shown, whole_size

MAXIMUM_LAYERS = 20_000
"""Nearly five times the largest published network (ResNet-1202: 4,209 layers), reached in about a second."""
MAXIMUM_STEPS = 40_000


class Expansion(Marking):
    """One walk over a program with fixed parameters."""

    # ---- lists

    def run(self, steps: StepList, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming) -> Flow:
        """Run a list of steps; the flow goes from each to the next."""
        inner, origin = Frame(dict(frame.names), [flow]), self.origin
        for step in steps.steps:
            flow = self.step(step, scope, flow, inner, naming)
        self.origin = origin
        return flow

    def step(self, step: Step, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming) -> Flow:
        """Run one step as often as it says."""
        if step.columns:
            entering = self.entering(step, flow, frame)
            scope = dict(scope)
            for column in step.columns:
                scope[column.name] = self.compute(step, column.value, column.path, scope, entering)
        if step.document is self.program.document:
            self.origin = (step.document.label, step.path)
        if step.condition is not None and not self.holds(step, step.condition, scope, flow, frame):
            return flow
        self.calls.append(step)
        times = 1
        if step.repeat is not None:
            times = self.repetitions(step, scope, self.entering(step, flow, frame))
        self.times *= times or 1
        if self.times > MAXIMUM_STEPS or times > MAXIMUM_LAYERS:
            raise TooLargeError
        for repetition in range(times):
            self.steps_walked += 1
            if self.steps_walked > MAXIMUM_STEPS or len(self.layers) > MAXIMUM_LAYERS:
                raise TooLargeError
            entering = flow if step.references is None else self.entering(step, flow, frame)
            action = step.action if repetition == 0 else step.rest
            run = self.plain if step.marks is None else self.marked
            flow = run(step, action, scope, entering, frame, naming)
            if step.doubtful:
                flow = doubtful(entering)
            if not isinstance(action, RowsByWord):  # whose rows are steps of this list and have appended theirs
                frame.outputs.append(flow)
        self.calls.pop()
        self.times //= times or 1
        if step.name is not None and times:
            frame.names[step.name] = flow
        return flow

    def holds(self, step: Step, condition: Value, scope: dict[str, Any], flow: Flow, frame: Frame) -> bool:
        """Whether a step is executed."""
        path = (*step.path, "if")
        entering = self.entering(step, flow, frame) if condition.names & FLOW else flow
        value = self.compute(step, condition, path, scope, entering)
        if is_unknown(value):
            return True
        value = structural(value, f"if = {self.written(step, 'if')}")
        if not isinstance(value, bool | int | float):
            problem = f"if = {self.written(step, 'if')} gives {shown(value)}: it must be true or false"
            self.report(step, path, problem, 'write a comparison: if = "stride > 1"')
        return bool(value)

    def written(self, step: Step, key: str) -> str:
        """A key's text as it stands in the file, for messages."""
        given = entry_at(step.document, step.path)
        return shown(given[key]) if isinstance(given, dict) and key in given else "..."

    def repetitions(self, step: Step, scope: dict[str, Any], flow: Flow) -> int:
        """How often a step is executed."""
        path = (*step.path, "repeat")
        assert step.repeat is not None
        value = self.compute(step, step.repeat, path, scope, flow)
        if is_unknown(value):
            return 1
        value = structural(value, f"repeat = {self.written(step, 'repeat')}")
        try:
            return int(whole_size(value, "repeat", None, 0))
        except BadValueError:
            written, gives = self.written(step, "repeat"), shown(value)
            if not isinstance(value, bool) and isinstance(value, int) and value > 0:
                raise TooLargeError from None
            problem = f"repeat = {written}" + ("" if written == gives else f" gives {gives}")
            self.report(step, path, f"{problem}: a repeat count must be one whole number, not negative",
                        "round it with floor, ceil or round_to")  # fmt: skip
            return 1

    # ---- actions

    def plain(
        self, step: Step, action: Action, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """Run an action that marks nothing."""
        run = self.act if step.share is None else self.shared
        return run(step, action, scope, flow, frame, naming)

    def marked(
        self, step: Step, action: Action, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """Run an action whose layers carry marks."""
        outer = self.marks
        self.marks = self.marks_below(step, scope, flow, naming.next_group())
        result = self.plain(step, action, scope, flow, frame, naming)
        self.marks = outer
        return result

    def shared(
        self, step: Step, action: Action, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """Run an action; below `share`, layers use the weights of that group."""
        assert step.share is not None
        use = Sharing(step.share, numbered=not isinstance(action, Call))
        outer, self.sharing = self.sharing, use
        result = self.act(step, action, scope, flow, frame, naming)
        self.sharing = outer
        first, first_use = self.first_uses.setdefault(step.share, (step, use))
        problem = first_use.misfit(use)
        if problem:
            place = first.document.place(first.path)
            if first.document is step.document:
                place = "line " + place.removeprefix(f"{step.document.label}:")
            self.report(
                step, (*step.path, "share"), f"share = {step.share!r}: {problem}",
                f"steps that share weights need equal operators on equal channels; the first use is {place}",
            )  # fmt: skip
        return result

    def act(self, step: Step, action: Action, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming) -> Flow:
        """Do what a step does, once."""
        match action:
            case Call(targets=targets, choice=choice):
                word = next(iter(targets)) if choice is None else structural(scope[choice], choice)
                if word not in targets:
                    return doubtful(flow)
                return self.call(step, targets[word], word, scope, flow, frame, naming)
            case Residual():
                return self.residual(step, action, scope, flow, frame, naming)
            case Branches():
                return self.branches(step, action, scope, flow, frame, naming)
            case Group(body=body):
                return self.run(body, scope, flow, frame, naming)
            case RowsByWord(parameter=parameter, tables=tables):
                word = structural(scope[parameter], parameter)
                if word not in tables:
                    return doubtful(flow)
                for row in tables[word].steps:
                    flow = self.step(row, scope, flow, frame, naming)
                return flow
            case Broken():
                return doubtful(flow)

    def call(
        self, step: Step, target: Target, word: str, scope: dict[str, Any], flow: Flow, frame: Frame, naming: Naming
    ) -> Flow:
        """Apply an operator, or expand a block."""
        match target:
            case Identity():
                return flow
            case OperatorCall():
                return self.apply(step, target, scope, flow, frame, naming.next(step.name or word))
            case BlockCall():
                return self.expand(step, target, scope, flow, naming.next(step.name or word))

    def apply(self, step: Step, call: OperatorCall, scope: dict[str, Any], flow: Flow, frame: Frame, name: str) -> Flow:
        """Make the operator and emit its layer."""
        operator = call.ready
        references: Any = ()
        values: dict[str, Any] = {}
        for argument in call.arguments:
            if argument.name == "from":
                references = argument.value.compute(scope)
                if references is None:
                    return doubtful(flow)
            elif operator is None:
                value = argument.value
                values[argument.name] = (
                    value.known if value.is_known else self.compute(step, value, argument.path, scope, flow)
                )
        if operator is None:
            operator = call.operator(**values)
        if references:
            flow = self.referenced(step, self.verb_path(step), references, frame)
        return self.emit(step, operator, flow, name)

    def verb_path(self, step: Step) -> KeyPath:
        """Where the verb's value stands."""
        given = entry_at(step.document, step.path)
        return (*step.path, next(iter(given))) if isinstance(given, dict) else step.path

    def emit(self, step: Step, operator: Operator, flow: Flow, name: str) -> Flow:
        """Append a layer and infer its shapes."""
        if getattr(operator, "function", None) == "none":
            return flow
        least, most = operator.arity
        if (len(flow) < least or (most is not None and len(flow) > most)) and not is_doubtful(flow):
            if least == most == 1:
                self.report(step, step.path, f"{operator.verb} takes one input, there are {len(flow)} here",
                            'take one with from = "name.0", or use branches')  # fmt: skip
            else:
                count = least if least == most else f"at least {least}"
                self.report(step, step.path, f"{operator.verb} takes {count} inputs, there is {len(flow)} here"
                            if len(flow) == 1 else f"{operator.verb} takes {count} inputs, there are {len(flow)} here",
                            f'write {{ {operator.verb} = ["a", -1] }}')  # fmt: skip
            self.loose_ends = True
            return doubtful(flow)
        try:
            outputs = operator.output_shapes(tuple([shape for _, shape in flow]))
            check_bounds(outputs)
        except ShapeError as error:
            # Of shapes that a mistake left open, only what does not follow from the unknown sizes is said.
            own = not is_unknown(getattr(operator, error.field, None)) if error.field else "?" not in error.problem
            if own:
                self.report(step, self.field_path(step, operator, error.field), error.problem, error.remedy)
            self.loose_ends = self.loose_ends or error.assume is None
            outputs = error.assume or tuple(shape for _, shape in doubtful(flow))
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError):
            if not (self.loose_ends or self.problems or self.program.problems):
                raise
            outputs = tuple(shape for _, shape in doubtful(flow))  # a shape rule met what a mistake left unknown
        if name in self.taken:
            self.report(step, step.path, f"the layer name {name!r} is already taken", "choose another name")
            self.loose_ends = True
        self.taken.add(name)
        names = (name,) if len(outputs) == 1 else tuple(f"{name}.{part}" for part in range(len(outputs)))
        inputs = tuple([tensor for tensor, _ in flow])
        self.used.update(inputs)
        weights = None
        if self.sharing is not None:
            weights = self.sharing.weights(name, operator, tuple([shape for _, shape in flow]), outputs)
        merge, probability, active = self.marks.merge, self.marks.probability, self.marks.active
        if operator.kind != "convolution":
            active = 1
        self.layers.append(Layer(name, operator, inputs, names, weights, self.origin, merge, probability, active))
        return ((name, outputs[0]),) if len(outputs) == 1 else tuple(zip(names, outputs, strict=True))

    def field_path(self, step: Step, operator: Operator, field: str) -> KeyPath:
        """Where the field that a shape rule complains about stands."""
        given = entry_at(step.document, step.path)
        if isinstance(given, dict) and field in given:
            return (*step.path, field)
        if isinstance(given, dict) and field and field == operator.main and operator.verb in given:
            return (*step.path, operator.verb)
        return step.path

    def expand(self, step: Step, call: BlockCall, scope: dict[str, Any], flow: Flow, name: str) -> Flow:
        """The layers of a block: replayed where the same was expanded before, else run."""
        block = call.block
        arguments: dict[str, Any] = {}
        for argument in call.arguments:
            value = argument.value
            if value.is_known:
                arguments[argument.name] = value.known
            else:
                arguments[argument.name] = self.compute(step, value, argument.path, scope, flow)
            if block.parameters[argument.name].choices:
                self.check_choice(step, block, argument.name, arguments[argument.name], argument.path)
        clean = self.sharing is None and self.marks is UNMARKED
        clean = clean and not (self.loose_ends or self.problems or self.program.problems)
        key = key_of(block, arguments, flow) if clean else None
        prefix = name + "."
        recording = self.recordings.get(key) if key is not None else None
        if recording is not None:
            layers, leaving = recording.replay(prefix, flow, self.origin)
            if self.taken.isdisjoint([layer.name for layer in layers]):
                self.taken.update([layer.name for layer in layers])
                for layer in layers:
                    self.used.update(layer.inputs)
                self.layers += layers
                self.steps_walked += recording.steps
                return leaving
        origin, start, steps = self.origin, len(self.layers), self.steps_walked
        result = self.run_block(step, block, arguments, flow, prefix)
        if key is not None and not (self.loose_ends or self.problems):
            made, entering = tuple(self.layers[start:]), tuple([tensor for tensor, _ in flow])
            self.recordings[key] = Recording(prefix, entering, made, result, origin, self.steps_walked - steps)
        return result

    def run_block(self, step: Step, block: Block, arguments: dict[str, Any], flow: Flow, prefix: str) -> Flow:
        """Run a block's steps in a scope of its own."""
        inner = {**self.file_scope, **arguments} if block.local else dict(arguments)
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
        for parameter in block.parameters.values():
            default = parameter.default
            if parameter.name in arguments or default is None:
                continue
            if default.value.is_known:
                inner[parameter.name] = default.value.known
            else:
                inner[parameter.name] = self.compute_default(step, block, default.value, default.path, inner, flow)
        if self.sharing is not None:
            self.sharing.enter(prefix)
        return self.run(block.body, inner, flow, Frame(names, []), Naming(prefix, block.body.plural))

    def check_choice(self, step: Step, block: Block, name: str, value: Any, path: KeyPath) -> None:
        """A parameter of a block that takes words must get one of them."""
        choices = block.parameters[name].choices
        if not is_unknown(value) and value not in choices:
            self.report(step, path, f"{name} = {shown(value)} is not one of {', '.join(choices)}")

    def compute_default(
        self, step: Step, block: Block, value: Value, path: KeyPath, scope: dict[str, Any], flow: Flow
    ) -> Any:
        """A default of a block; what is wrong with it is reported where the block stands."""
        if value.constant:
            return value.compute(scope)
        try:
            return value.compute({**scope, **flow_sizes(flow)} if value.names & FLOW else scope)
        except (KeyError, ExpressionError, BadValueError):  # once more, to say where
            inside = replace(step, document=block.document, path=path)
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
