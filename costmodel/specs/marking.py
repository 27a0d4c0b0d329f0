"""The marks of a step's layers: its own and those of the steps around it."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import structural
from costmodel.specs.flow import Flow
from costmodel.specs.marks import REMEDIES, Marks, misfit
from costmodel.specs.references import References
from costmodel.specs.steps import Step
from costmodel.specs.unknown import is_unknown
from costmodel.specs.values import shown


class Marking(References):
    """Computes what steps say of their layers beyond the operator."""

    def marks_below(self, step: Step, scope: dict[str, Any], flow: Flow, group: str) -> Marks:
        """The marks of the layers of a step: its own and those of the steps around it."""
        assert step.marks is not None
        given, around = step.marks, self.marks
        computed: dict[str, Any] = {"merge": False, "probability": 1, "active": 1}
        for key in computed:
            value = getattr(given, key)
            if value is None:
                continue
            path = (*step.path, key)
            found = self.compute(step, value, path, scope, flow)
            problem = "" if is_unknown(found) else misfit(key, found)
            if problem:
                self.report(step, path, f"{key} = {shown(found)} {problem}", REMEDIES[key])
            computed[key] = computed[key] if problem or is_unknown(found) else found
        merge = around.merge or (group if structural(computed["merge"], "merge") else None)
        return Marks(merge, around.probability * computed["probability"], computed["active"])
