"""Patch-based inference: the first layers of a network are run patch by patch, which saves memory and repeats work.

MCUNetV2, arXiv:2110.15352, Sec. 3.1: the output of the first stage is cut into a grid, and every tile of it is computed
from the patch of the image that it depends on. Patches overlap, so pixels in the overlap are computed several times.
"""

from costmodel.patches.costs import PatchCosts
from costmodel.patches.cuts import Cuts, cut_after, cuts_of
from costmodel.patches.regions import tiles
from costmodel.patches.search import PatchSearch, search_patches
from costmodel.patches.stages import patch_costs
from costmodel.patches.windows import Window, span_inside, span_read

__all__ = [
    "Cuts", "PatchCosts", "PatchSearch", "Window", "cut_after", "cuts_of", "patch_costs", "search_patches",
    "span_inside", "span_read", "tiles",
]  # fmt: skip
