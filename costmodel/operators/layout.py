"""Operators that only lay data out anew: views cost nothing, copies read and write every element."""

from __future__ import annotations

from costmodel.arithmetic import anywhere, product, ratio
from costmodel.errors import ShapeError
from costmodel.graph import IMAGE, MAXIMUM_AXES, TOKENS, VECTOR, Shape, Size, image, vector
from costmodel.graph import tokens as token_shape
from costmodel.operators.base import (
    POINTWISE,
    Copy,
    Count,
    Counts,
    Index,
    Names,
    Offsets,
    Operator,
    Pair,
    Reach,
    Sizes,
    View,
    copied,
    described,
    image_sizes,
    operator,
    pair,
    the_only,
)  # fmt: skip
from costmodel.operators.rules import first_bad, sequence_sizes, whole_image


@operator("flatten", "view")
class Flatten(View):
    """All elements as one vector."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (vector(the_only(inputs).elements),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return whole_image(the_only(inputs))


AXES_BY_COUNT = {1: VECTOR, 2: TOKENS, 3: IMAGE, 4: ("windows", "heads", "tokens", "d")}


@operator("reshape", "view", main="sizes")
class Reshape(View):
    """The same elements with other sizes; `axes` names them (by default those of a vector, tokens or an image)."""

    sizes: Sizes
    axes: Names = ()

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        axes = self.axes or AXES_BY_COUNT.get(len(self.sizes), ())
        if len(self.sizes) > MAXIMUM_AXES:
            problem = f"reshape to {len(self.sizes)} axes: a tensor has at most {MAXIMUM_AXES}"
            raise ShapeError(problem, "join some of the sizes", "sizes")
        if len(axes) != len(self.sizes):
            raise ShapeError(
                f"reshape to {len(self.sizes)} sizes needs as many axis names",
                'write axes = ["windows", "tokens", "c"]',
                "axes",
            )
        if anywhere(product(self.sizes) != shape.elements):
            raise ShapeError(
                f"reshape from {shape} ({shape.elements} elements) to {'x'.join(str(size) for size in self.sizes)} "
                f"({product(self.sizes)} elements)",
                "the number of elements must stay",
                "sizes",
            )
        return (Shape(tuple(axes), tuple(self.sizes)),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        """A pixel stays a pixel only where height and width stay as they are."""
        shape = the_only(inputs)
        if len(self.sizes) == 1:
            return whole_image(shape)
        stays = shape.is_image and not any(
            anywhere(one != other) for one, other in zip(self.sizes[-2:], shape.sizes[-2:], strict=True)
        )
        return POINTWISE if stays else None


@operator("transpose", "copy", main="order")
class Transpose(Copy):
    """The axes in another order; axis names move with their sizes. A copy."""

    order: Sizes

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if sorted(self.order) != list(range(len(shape.sizes))):
            raise ShapeError(
                f"order = {list(self.order)} must name each of the axes 0 to {len(shape.sizes) - 1} once", field="order"
            )
        return (Shape(tuple(shape.axes[at] for at in self.order), tuple(shape.sizes[at] for at in self.order)),)


@operator("tokens", "view")
class Tokens(View):
    """An image as a sequence of its pixels (free where channels lie innermost)."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        return (token_shape(height * width, channels),)


@operator("image", "view", main="height")
class Image(View):
    """A sequence of tokens as an image of that height."""

    height: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        count, channels = sequence_sizes(the_only(inputs), self.verb)
        uneven = count % self.height != 0
        if anywhere(uneven):
            height, tokens = first_bad(uneven, self.height, count)
            raise ShapeError(f"height = {height} must divide the {tokens} tokens", field="height")
        return (image(channels, self.height, count // self.height),)


@operator("heads", "view", main="number")
class Heads(View):
    """The channels of every token as heads: (..., tokens, c) to (..., heads, tokens, c / heads)."""

    number: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if shape.axes[-2:] != TOKENS:
            raise ShapeError(f"heads needs tokens, got {described(shape)}", 'add a "tokens" step')
        *leading, count, channels = shape.sizes
        uneven = channels % self.number != 0
        if anywhere(uneven):
            number, whole = first_bad(uneven, self.number, channels)
            raise ShapeError(f"heads = {number} must divide the {whole} channels", field="number")
        sizes = (*leading, self.number, count, channels // self.number)
        return (Shape((*shape.axes[:-2], "heads", "tokens", "d"), sizes),)


@operator("merge_heads", "view")
class MergeHeads(View):
    """(..., heads, tokens, d) back to (..., tokens, heads*d)."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if shape.axes[-3:] != ("heads", "tokens", "d"):
            raise ShapeError(f"merge_heads needs (heads, tokens, d), got {described(shape)}", "add { heads = n } above")
        *leading, heads, count, features = shape.sizes
        return (Shape((*shape.axes[:-3], *TOKENS), (*leading, count, heads * features)),)


@operator("window_partition", "copy", main="window")
class WindowPartition(Copy):
    """An image cut into windows of tokens: (windows, window^2, c). A copy."""

    window: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        uneven = (height % self.window != 0) | (width % self.window != 0)
        if anywhere(uneven):
            window, high, wide = first_bad(uneven, self.window, height, width)
            raise ShapeError(f"window = {window} must divide {high}x{wide}", "pad the image or change window", "window")
        count = (height // self.window) * (width // self.window)
        return (Shape(("windows", *TOKENS), (count, self.window * self.window, channels)),)


@operator("window_merge", "copy", main="height")
class WindowMerge(Copy):
    """Windows of tokens back to an image of that height. A copy."""

    height: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if shape.axes != ("windows", *TOKENS):
            raise ShapeError(
                f"window_merge needs (windows, tokens, c), got {described(shape)}", "add { window_partition = n } above"
            )
        count, window_tokens, channels = shape.sizes
        pixels = count * window_tokens
        uneven = pixels % self.height != 0
        if anywhere(uneven):
            height, area = first_bad(uneven, self.height, pixels)
            raise ShapeError(f"height = {height} must divide the {area} pixels", field="height")
        return (image(channels, self.height, pixels // self.height),)


@operator("channel_shuffle", "copy", main="groups")
class ChannelShuffle(Copy):
    """Interleaves the channels of the groups (ShuffleNet). A copy."""

    groups: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, _, _ = image_sizes(the_only(inputs), self.verb)
        uneven = channels % self.groups != 0
        if anywhere(uneven):
            groups, whole = first_bad(uneven, self.groups, channels)
            raise ShapeError(f"groups = {groups} must divide in_channels = {whole}", field="groups", assume=inputs)
        return inputs


@operator("space_to_channels", "copy", main="block")
class SpaceToChannels(Copy):
    """block x block pixels become channels. A copy."""

    block: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        uneven = (height % self.block != 0) | (width % self.block != 0)
        if anywhere(uneven):
            block, high, wide = first_bad(uneven, self.block, height, width)
            raise ShapeError(f"block = {block} must divide {high}x{wide}", field="block")
        return (image(channels * self.block * self.block, height // self.block, width // self.block),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return self.block, self.block, self.block, self.block


@operator("channels_to_space", "copy", main="block")
class ChannelsToSpace(Copy):
    """Channels become block x block pixels (pixel shuffle). A copy."""

    block: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        area = self.block * self.block
        uneven = channels % area != 0
        if anywhere(uneven):
            square, whole = first_bad(uneven, area, channels)
            raise ShapeError(f"block*block = {square} must divide in_channels = {whole}", field="block")
        return (image(channels // area, height * self.block, width * self.block),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return 1, 1, ratio(1, self.block), ratio(1, self.block)


@operator("token", "view", main="index")
class Token(View):
    """One token of a sequence: 0 the class token, -1 the last step."""

    index: Index

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        count, channels = sequence_sizes(the_only(inputs), self.verb)
        beyond = (self.index >= count) | (self.index < -count)
        if anywhere(beyond):
            index, tokens = first_bad(beyond, self.index, count)
            raise ShapeError(f"token = {index}: the sequence has {tokens} tokens", field="index")
        return (vector(channels),)


@operator("shift", "copy")
class Shift(Copy):
    """Moves each channel by a pixel in its own direction (ShiftNet): no parameters, no work, memory traffic only."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        image_sizes(the_only(inputs), self.verb)
        return inputs

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return 3, 3, 1, 1


@operator("roll", "copy", main="shift")
class Roll(Copy):
    """Moves an image cyclically (the shifted windows of Swin). A copy."""

    shift: Offsets

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        image_sizes(the_only(inputs), self.verb)
        return inputs


@operator("subsample", "copy", main="factor")
class Subsample(Operator):
    """Keeps every factor-th pixel of both axes, from pixel `start` on. A copy that reads only what it keeps."""

    factor: Size
    start: Count = 0

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        beyond = (self.start >= height) | (self.start >= width)
        if anywhere(beyond):
            start, high, wide = first_bad(beyond, self.start, height, width)
            raise ShapeError(f"start = {start} is beyond the {high}x{wide} pixels", field="start")
        return (image(channels, -(-(height - self.start) // self.factor), -(-(width - self.start) // self.factor)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(outputs, outputs)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        factor_height, factor_width = pair(self.factor)
        return 1, 1, factor_height, factor_width


@operator("crop", "copy", main="size")
class Crop(Operator):
    """A part of an image: `size` pixels (height, width) from `start` on. A copy that reads only what it keeps."""

    size: Pair
    start: Offsets = 0

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        for size, start, there in zip(pair(self.size), pair(self.start), (height, width), strict=True):
            beyond = start + size > there
            if anywhere(beyond):
                wanted, first, pixels = first_bad(beyond, size, start, there)
                raise ShapeError(f"crop of {wanted} from {first} ends beyond the {pixels} pixels", field="size")
        return (image(channels, *pair(self.size)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(outputs, outputs)
