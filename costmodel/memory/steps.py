"""The steps of an inference as people follow them: layers that compute in place stand with the one before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from costmodel.arithmetic import is_array
from costmodel.errors import ParameterError
from costmodel.memory.definitions import definition_named
from costmodel.memory.peak import PeakMemory
from costmodel.memory.storage import Buffer
from costmodel.records import record

Role: TypeAlias = Literal["kept", "input", "in_place", "output", "workspace"]
"""What a step does with memory that it holds."""
ROLES: dict[Role, str] = {
    "kept": "kept for later steps",
    "input": "read for the last time",
    "in_place": "written over its input",
    "output": "written",
    "workspace": "workspace",
}
"""The roles in words, in the order in which tables and charts have them."""


@record
class HeldTensor:
    """Memory that a step holds. `name` is that of the step that first wrote it, or of an input of the network;
    `tensor` is what is in it at the end of the step."""

    name: str
    tensor: str
    bytes: int
    role: Role


@record
class Step:
    """A layer, together with the layers right after it that are views or write over their input.

    `name` is the layer's, without the parts of its path that it shares with no other step; `first` and `last` count
    layers from 0. `held` is what `layer` holds, the one of them that holds most: first what is kept, then inputs,
    outputs and workspace. The bytes add up to `held_bytes`.
    """

    name: str
    layer: str
    op: str
    first: int
    last: int
    held_bytes: int
    held: tuple[HeldTensor, ...]

    @property
    def block(self) -> str:
        """The outermost block."""
        return self.layer.partition(".")[0]


def execution_steps(peak: PeakMemory) -> tuple[Step, ...]:
    """The steps of a network whose peak was computed. MobileNetV2's 151 layers run in 64:

    >>> from costmodel import load, peak_memory
    >>> steps = execution_steps(peak_memory(load("mobilenet_v2")))
    >>> len(steps), steps[4].name, steps[4].held_bytes
    (64, 'inverted_residual_2.depthwise', 1505280)
    >>> [(held.name, held.bytes, held.role) for held in steps[4].held][0]
    ('inverted_residual_2.conv_1', 1204224, 'input')

    Raises: ParameterError for a peak of many variants.
    """
    if is_array(peak.bytes):
        raise ParameterError("steps are those of one network, and these sizes are arrays: load one variant alone")
    layers = list(peak.held_bytes)
    groups = _grouped(peak, layers)
    names = short_names([layers[group[0]] for group in groups])
    written = _names_of_tensors(peak, layers, groups, names)
    held = list(peak.held_bytes.values())
    steps = []
    for name, group in zip(names, groups, strict=True):
        most = max(group, key=lambda step: (held[step], -step))
        tensors = _held_tensors(peak, most, written)
        steps.append(Step(name, layers[most], peak.operators[most], group[0], group[-1], held[most], tensors))
    return tuple(steps)


def peak_step(peak: PeakMemory, steps: Sequence[Step]) -> int:
    """Which of the steps, counted from 0, has the layer at the peak."""
    at = list(peak.held_bytes).index(peak.layer)
    return next(number for number, step in enumerate(steps) if step.first <= at <= step.last)


def short_names(layers: Sequence[str]) -> list[str]:
    """Names of layers without the ends of their paths that tell them from no other.

    >>> short_names(["block_1.conv.conv2d", "block_1.add", "linear"])
    ['block_1.conv', 'block_1.add', 'linear']
    """
    below = Counter(parent for name in layers for parent in _parents(name))
    taken = Counter(layers)
    short = []
    for name in layers:
        alone = [parent for parent in _parents(name) if below[parent] == 1 and not taken[parent]]
        short.append(alone[-1] if alone else name)
    return short


def _parents(name: str) -> list[str]:
    """The paths above a name, the longest first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def _grouped(peak: PeakMemory, layers: Sequence[str]) -> list[list[int]]:
    """Layers counted from 0, those that need no memory of their own in the group of the one before them."""
    beginning: dict[int, list[Buffer]] = {}
    for buffer in peak.buffers.values():
        if not buffer.is_workspace:
            beginning.setdefault(buffer.start, []).append(buffer)
    groups: list[list[int]] = []
    for step in range(len(layers)):
        in_place = all(_is_folded(peak, buffer) for buffer in beginning.get(step, ()))
        if in_place and groups:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _is_folded(peak: PeakMemory, buffer: Buffer) -> bool:
    """Whether a buffer is written over another by a layer that is no operator of its own at inference. A depthwise
    convolution in place remains one."""
    return bool(buffer.overwrites) and peak.operators[buffer.start] != "depthwise_conv2d"


def _names_of_tensors(
    peak: PeakMemory, layers: Sequence[str], groups: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, str]:
    """Buffers with the short names of the steps that first wrote them; inputs of the network keep their names."""
    name_of = {step: name for name, group in zip(names, groups, strict=True) for step in group}
    written: dict[str, str] = {}
    for buffer in peak.buffers.values():  # in order of their first step
        layer = layers[buffer.start]
        if _is_folded(peak, buffer):
            written[buffer.name] = written[buffer.overwrites]
        elif buffer.is_workspace:
            written[buffer.name] = buffer.name.partition(" of ")[0]
        else:
            written[buffer.name] = name_of[buffer.start] if buffer.name == layer else buffer.name
    return written


def _held_tensors(peak: PeakMemory, step: int, written: Mapping[str, str]) -> tuple[HeldTensor, ...]:
    counted = [peak.buffers[name] for name in peak.counted[step]]
    if definition_named(peak.definition).counted == "tensor":
        counted = [max(counted, key=lambda buffer: buffer.bytes)]
    layer = list(peak.held_bytes)[step]
    beneath = {buffer.overwrites: buffer for buffer in counted if buffer.overwrites and buffer.start == step}
    found = []
    for buffer in counted:
        if buffer.name in beneath and beneath[buffer.name] in counted:
            continue
        under = peak.buffers.get(buffer.overwrites) if buffer.start == step else None
        if under is not None and under in counted:
            found.append(HeldTensor(written[under.name], buffer.name, max(buffer.bytes, under.bytes), "in_place"))
        else:
            found.append(HeldTensor(written[buffer.name], buffer.name, buffer.bytes, _role(buffer, step, layer)))
    return tuple(sorted(found, key=lambda tensor: list(ROLES).index(tensor.role)))


def _role(buffer: Buffer, step: int, layer: str) -> Role:
    if buffer.is_workspace:
        return "workspace"
    if buffer.start == step and (buffer.name == layer or buffer.name.startswith(f"{layer}.")):
        return "output"
    return "input" if buffer.stop == step else "kept"
