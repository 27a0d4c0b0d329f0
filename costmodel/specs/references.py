"""What a step reads: the output of the step above, or the tensors that it names."""

from __future__ import annotations

from costmodel.positions import KeyPath
from costmodel.specs.flow import Flow, Frame, Tensor, doubtful, is_doubtful
from costmodel.specs.mistakes import Mistakes, entry_at
from costmodel.specs.steps import Reference, Step


class References(Mistakes):
    """Looks up references among the tensors that a step can reach."""

    def entering(self, step: Step, flow: Flow, frame: Frame) -> Flow:
        """What a step reads: the flow, or what `from` names."""
        if step.references is None:
            return flow
        return self.referenced(step, (*step.path, "from"), step.references, frame)

    def referenced(self, step: Step, path: KeyPath, references: tuple[Reference, ...], frame: Frame) -> Flow:
        """The tensors that references name."""
        given = entry_at(step.document, path[:-1])
        listed = isinstance(given, dict) and isinstance(given.get(path[-1]), list)
        found: list[Tensor] = []
        for index, reference in enumerate(references):
            found += self.one_reference(
                step, (*path, index) if listed else path, reference, frame, alone=len(references) == 1
            )
        return tuple(found)

    def one_reference(self, step: Step, path: KeyPath, reference: Reference, frame: Frame, alone: bool) -> Flow:
        """The tensor (or, standing alone, the tensors) of one reference."""
        problem, remedy = "", ""
        if isinstance(reference, int):
            count = len(frame.outputs)
            if -reference <= count:
                flow, label, part = frame.outputs[reference], str(reference), None
                if len(flow) == 1 or alone or is_doubtful(flow):
                    return flow
                problem, remedy = f"output {label} is {len(flow)} tensors", "give that step a name and write name.0"
            else:
                problem = f"{reference} is beyond the {count} output{'s' * (count != 1)} above in this list"
                remedy = "the input of the list counts as one; outside of it, refer by name"
        else:
            label, part = reference
            flow = frame.names.get(label, ())
            if label not in frame.names:
                problem = f"{label!r} was not executed: its `if` does not hold, or its repeat is 0"
                remedy = "give this step the same `if`"
            elif is_doubtful(flow):
                return doubtful(flow)
            elif part is not None and part >= len(flow):
                problem = f"{label!r} has {len(flow)} output{'s' * (len(flow) != 1)}, there is no {label}.{part}"
                remedy = f"write {label!r}" if len(flow) == 1 else f"the last is {label}.{len(flow) - 1}"
            elif part is not None:
                return (flow[part],)
            elif len(flow) == 1 or alone:
                return flow
            else:
                problem, remedy = f"{label!r} has {len(flow)} outputs", f"write {label}.0, {label}.1, ..."
        self.report(step, path, problem, remedy)
        self.loose_ends = True
        return doubtful(())
