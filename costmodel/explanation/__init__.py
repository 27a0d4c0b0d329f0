"""Where the time goes: each term of a latency, per layer and in all, and the difference between two."""

from costmodel.explanation.difference import Difference, difference
from costmodel.explanation.explain import Explanation, explain

__all__ = ["Difference", "Explanation", "difference", "explain"]
