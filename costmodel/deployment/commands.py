"""How a remedy is asked for: the command, or the call where a pass is needed, that gives its numbers again."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import join
from typing import Any

from costmodel.deployment.needs import Setting
from costmodel.deployment.origin import Origin
from costmodel.records import fields_of

FLAGS = {"sram": "B", "flash": "B", "latency": "s", "energy": "J"}
"""Options of budgets, each with the unit of the number behind it."""


def fits_again(origin: Origin, setting: Setting, settings: Mapping[str, Any], name: str | None = None) -> str:
    """What asks whether the network fits with these settings, or a variant of its family by its `name`."""
    if origin.name is None or any(key.startswith("scale_") for key in settings):
        return fits_call(passes_call(origin, settings), setting)
    parameters = dict(settings) if name is not None else {**origin.parameters, **settings}
    words = [f"{key}={value}" for key, value in parameters.items()]
    return join(["costmodel", "fits", name or origin.name, *words, *_options(setting)])


def load_call(origin: Origin, parameters: Mapping[str, Any]) -> str:
    """The call that gives a network with these parameters; a graph that was given is called graph."""
    if origin.name is None:
        return "graph"
    return (
        f"costmodel.load({', '.join([repr(origin.name), *(f'{key}={value!r}' for key, value in parameters.items())])})"
    )


def passes_call(origin: Origin, settings: Mapping[str, Any]) -> str:
    """The call that gives a network made smaller by parameters and by passes (`costmodel.passes`)."""
    own = {name: value for name, value in settings.items() if not name.startswith("scale_")}
    call = load_call(origin, {**origin.parameters, **own})
    if "scale_width" in settings:
        call = f"scale_width({call}, {settings['scale_width']}, divisor=8)"
    if "scale_resolution" in settings:
        call = f"scale_resolution({call}, {settings['scale_resolution']})"
    return call


def fits_call(network: str, setting: Setting) -> str:
    """The call that asks whether a network fits, given as an expression."""
    words = [network]
    if setting.profile is not None:
        words.append(repr(setting.hardware))
    elif setting.dtype != "int8":
        words.append(f"dtype={setting.dtype!r}")
    defaults = {"definition": "fused", "workspace": "none", "storage": "plain", "weight_bits": None}
    words += [
        f"{name}={getattr(setting, name)!r}" for name, value in defaults.items() if getattr(setting, name) != value
    ]
    units = {"sram": "bytes", "flash": "bytes", "latency": "seconds", "energy": "joules"}
    words += [f"{name}_{units[name]}={amount}" for name, amount in _given(setting)]
    return f"costmodel.fits({', '.join(words)})"


def _options(setting: Setting) -> list[str]:
    """The options that a setting needs on the command line."""
    options = []
    if setting.profile is not None:
        options += ["--hardware", setting.hardware]
    elif setting.dtype != "int8":
        options += ["--dtype", setting.dtype]
    options += ["--definition", setting.definition] if setting.definition != "fused" else []
    options += ["--workspace", setting.workspace] if setting.workspace != "none" else []
    options += ["--storage", setting.storage] if setting.storage != "plain" else []
    options += ["--weight-bits", str(setting.weight_bits)] if setting.weight_bits is not None else []
    for name, amount in _given(setting):
        options += [f"--{name}", f"{amount}{FLAGS[name]}"]
    return options


def _given(setting: Setting) -> list[tuple[str, Any]]:
    """The budgets that were given, each with its amount."""
    limits = ((name, getattr(setting.limits, name)) for name in fields_of(setting.limits))
    return [(name, limit.amount) for name, limit in limits if limit is not None and limit.source == "given"]
