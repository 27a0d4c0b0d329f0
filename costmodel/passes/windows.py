"""Where the taps of a kernel lie, for passes that put one kernel into another."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere
from costmodel.operators.base import pair
from costmodel.operators.rules import axis_paddings, extent


def keeps_first_pixel(window: Any) -> bool:
    """Whether some tap lies on the pixel `stride` times the output position, which a 1x1 kernel would see.

    With padding 'same' the taps of a dilated kernel shift with the size of the image, by less than the dilation, when
    the stride is above 1 or the kernel even; then nothing is promised.
    """
    axes = zip(
        axis_paddings(window.padding), pair(window.kernel), pair(window.stride), pair(window.dilation), strict=True
    )
    for ends, kernel, stride, dilation in axes:
        if ends is None:
            missed = (dilation > 1) & (kernel > 1) & ((stride > 1) | (kernel % 2 == 0))
        else:
            missed = (ends[0] >= extent(kernel, dilation)) | (ends[0] % dilation != 0)
        if anywhere(missed):
            return False
    return True
