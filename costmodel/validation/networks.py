"""Networks that a measured row names itself: a bundled network or a spec file, with parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from costmodel.graph import Graph
from costmodel.specs.catalogue import load

_WORDS = re.compile(r"(\S.*?)((?:\s+\w+=\S+)*)\s*")
SIZE_COLUMNS = ("width", "resolution")
"""Columns of a measured table that say of a network what may be a parameter of its spec."""


def is_of_an_origin(name: str) -> bool:
    """Whether a name is one of a source, origin/name: no bundled network and no spec file is called so.

    >>> is_of_an_origin("timm/resnet50@224"), is_of_an_origin("nets/mine.toml"), is_of_an_origin("resnet50")
    (True, False, False)
    """
    return "/" in name and ".toml" not in name


def words_of(name: str) -> tuple[str, dict[str, Any]]:
    """A network and its parameters, in the words of the command line: numbers where they are numbers.

    >>> words_of("mobilenet_v2 width=0.5 resolution=160")
    ('mobilenet_v2', {'width': 0.5, 'resolution': 160})
    """
    found = _WORDS.fullmatch(name)
    if found is None:
        return name, {}
    return found[1], {key: _value(text) for key, _, text in (word.partition("=") for word in found[2].split())}


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text) if len(text) <= 400 else text
    except ValueError:
        return text


def graph_named(name: str) -> Graph:
    """The network that `words_of` a name stand for.

    Raises: UnknownNameError with the nearest names, ParameterError, SpecError.
    """
    network, parameters = words_of(name)
    return load(network, **parameters)


def contradiction(name: str, row: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Column, problem and remedy where a row states another width or resolution than the network that it names.

    Raises: UnknownNameError, ParameterError, SpecError.
    """
    used = graph_named(name).parameters
    for column in SIZE_COLUMNS:
        stated, own = row.get(column), used.get(column)
        if not stated or stated != stated or not isinstance(own, (int, float)) or own == stated:
            continue
        problem = f"{column} = {stated:g} contradicts network = {name!r}, whose {column} is {own:g}"
        return column, problem, f"write the parameter into network: {words_of(name)[0]} {column}={stated:g}"
    return None
