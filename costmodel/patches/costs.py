"""What inference in patches costs and saves: the record of one cut, grid and way of counting."""

from __future__ import annotations

from fractions import Fraction

from costmodel.records import record


@record
class PatchCosts:
    """Memory and multiply-accumulates of a network whose first stage runs in patches.

    The stage ends with the layer or block `cut` and is cut into `grid` = (rows, columns) of patches; an empty `cut`
    stands for no patches. `patch_height` and `patch_width` are those of the largest patch of the image.
    `stage_macs` are the MACs of all patches together, `layer_by_layer_stage_macs` those of the same layers without
    patches, `rest_macs` those of the layers after the stage; `stage_peak_bytes` and `rest_peak_bytes` the peaks of
    their activations in `dtype`, counted by `definition`. `stage_layers` and `rest_layers` are numbers of layers.
    """

    network: str
    cut: str
    grid: tuple[int, int]
    clipped: bool
    image_held: bool
    dtype: str
    definition: str
    patch_height: int
    patch_width: int
    stage_layers: int
    rest_layers: int
    stage_macs: int
    layer_by_layer_stage_macs: int
    rest_macs: int
    stage_peak_bytes: int
    rest_peak_bytes: int

    def __repr__(self) -> str:
        rows, columns = self.grid
        where = f"{rows}x{columns} patches up to {self.cut}" if self.is_patched else "no patches"
        return (
            f"<PatchCosts of {self.network}, {where}: {self.peak_bytes:,} bytes, {self.overall_macs:,} MACs "
            f"({self.definition}, {self.dtype})>"
        )

    @property
    def is_patched(self) -> bool:
        """Whether there is a stage in patches."""
        return bool(self.cut)

    @property
    def peak_bytes(self) -> int:
        """The larger peak, of the stage and of the layers after it."""
        return max(self.stage_peak_bytes, self.rest_peak_bytes)

    @property
    def overall_macs(self) -> int:
        """MACs of the network, the stage in patches."""
        return self.stage_macs + self.rest_macs

    @property
    def extra_macs(self) -> int:
        """MACs that are computed again, where patches overlap."""
        return self.stage_macs - self.layer_by_layer_stage_macs

    @property
    def stage_overhead(self) -> Fraction:
        """What the patches add to the stage, as part of its MACs."""
        return Fraction(self.extra_macs, self.layer_by_layer_stage_macs or 1)

    @property
    def overall_overhead(self) -> Fraction:
        """What the patches add to the network, as part of its MACs."""
        return Fraction(self.overall_macs) / Fraction(self.layer_by_layer_stage_macs + self.rest_macs) - 1
