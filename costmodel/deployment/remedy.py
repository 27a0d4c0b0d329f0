"""A change that may make a network fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.deployment.needs import Needs
from costmodel.records import record


@record
class Remedy:
    """A change, what the network then needs, and whether that is known to keep every limit.

    `kind` is order, in_place, patches, weight_bits, size or variant. `needs` is None where the change cannot be made;
    `note` then says why. `settings` are what the change sets: parameters of the network or of passes, cut and grid of
    the patches. `how` is the command, or the call, that gives its numbers; functions that it names are in
    `costmodel.passes`.
    """

    kind: str
    change: str
    needs: Needs | None
    fits: bool
    settings: Mapping[str, Any]
    how: str = ""
    note: str = ""
