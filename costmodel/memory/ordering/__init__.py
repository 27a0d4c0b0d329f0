"""Orders of execution: how many there are, and the search for the one with the least peak memory."""

from costmodel.memory.ordering.down_sets import count_down_sets
from costmodel.memory.ordering.last_readers import best_last_readers
from costmodel.memory.ordering.least import Found, best_order
from costmodel.memory.ordering.units import Plan, plan_of

__all__ = ["Found", "Plan", "best_last_readers", "best_order", "count_down_sets", "plan_of"]
