"""Two explanations beside each other: where the difference of two latencies comes from."""

from __future__ import annotations

from typing import Any

from costmodel.costs import By
from costmodel.explanation.explain import STEPS, Explanation
from costmodel.records import record


@record
class Difference:
    """The second latency minus the first, by step, and by operator, block or layer."""

    first: Explanation
    second: Explanation

    @property
    def seconds(self) -> float:
        """Second minus first."""
        return self.second.latency_seconds - self.first.latency_seconds

    @property
    def steps(self) -> dict[str, list[Any]]:
        """One row per step: its seconds in both, and the difference."""
        first, second = self.first.steps, self.second.steps
        return {
            "step": list(STEPS),
            "first_seconds": [first[name] for name in STEPS],
            "second_seconds": [second[name] for name in STEPS],
            "difference_seconds": [second[name] - first[name] for name in STEPS],
        }

    def parts(self, by: By = "op") -> dict[str, list[Any]]:
        """One row per operator (or block, or layer) of either, the largest difference first.

        Layers and blocks are the same where they have the same name: two networks share few.
        """
        sides = [
            dict(zip(table[by], table["latency_seconds"], strict=True))
            for table in (self.first.grouped(by), self.second.grouped(by))
        ]
        rows = [(key, *[side.get(key, 0.0) for side in sides]) for key in dict.fromkeys([*sides[0], *sides[1]])]
        rows.sort(key=lambda row: -abs(row[2] - row[1]))
        return {
            by: [key for key, _, _ in rows],
            "first_seconds": [one for _, one, _ in rows],
            "second_seconds": [two for _, _, two in rows],
            "difference_seconds": [two - one for _, one, two in rows],
        }


def difference(first: Explanation, second: Explanation) -> Difference:
    """Where the difference between two latencies comes from: two networks, two devices, or both.

    >>> from costmodel import cost_table, load
    >>> from costmodel.explanation import explain
    >>> costs = cost_table(load("mobilenet_v1"))
    >>> found = difference(explain(costs, "ridge_5"), explain(costs, "ridge_500"))
    >>> abs(sum(found.steps["difference_seconds"]) - found.seconds) < 1e-12
    True
    """
    return Difference(first, second)
