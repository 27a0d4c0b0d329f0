"""Network names to files and parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from costmodel.errors import SpecError, UnknownNameError, nearest
from costmodel.files import Document, names_in, read, read_bundled, text_of_bundled
from costmodel.graph import Graph
from costmodel.passes import apply_passes
from costmodel.records import replace
from costmodel.specs.expansion import expand
from costmodel.specs.parameters import Variant
from costmodel.specs.program import Program
from costmodel.specs.values import shown

FOLDER = "specs"

_programs: dict[str, Program] = {}


def load(network: str | os.PathLike[str], /, **parameters: Any) -> Graph:
    """A network by family, variant name, or path of a spec file (`my_net.toml`, or `my_net.toml:variant`).

    Keywords are the spec's parameters. Numbers may be numpy arrays: every size is then an array, one element per
    variant, as long as all variants have the same structure.

    >>> net = load("mobilenet_v2", width=0.75, resolution=192)
    >>> net == load("mobilenet_v2_0.75_192")
    True

    Raises: UnknownNameError, ParameterError, SpecError, StructureError.
    """
    if isinstance(network, os.PathLike):
        network = os.fspath(network)
    if not isinstance(network, str):
        raise UnknownNameError(f"{shown(network)} is not the name of a network or the path of a spec file")
    program, settings, passes = find(network)
    graph = expand(program, {**settings, **parameters})
    return apply_passes(replace(graph, name=network.rpartition(":")[2]), passes) if passes else graph


def find(network: str) -> tuple[Program, Mapping[str, Any], tuple[str, ...]]:
    """The program of a network name, with the parameters and passes that the name stands for.

    Raises: UnknownNameError with the nearest names.
    """
    path, ending, variant_name = network.rpartition(".toml:")
    if ending or network.endswith(".toml") or os.sep in network:
        program = program_of(read(path + ".toml" if ending else network))
        if not ending:
            return program, *_settings(program.variants.get(program.name))
        for variant in program.variants.values():
            matched = variant.match(variant_name)
            if matched is not None:
                return program, matched, variant.passes
        hint = nearest(variant_name, program.variants) or f"it has: {', '.join(program.variants) or 'none'}"
        raise UnknownNameError(f"{path}.toml has no variant {shown(variant_name)}; {hint}")
    families = names_in(FOLDER)
    if network in families:
        program = bundled(network)
        return program, *_settings(program.variants.get(network))
    for family in sorted(families, key=lambda name: -_alike(name, network)):
        if not _may_declare(family, network):
            continue
        document = read_bundled(FOLDER, family)
        for name, settings in document.data.get("variants", {}).items():
            if name == network or ("{" in name and _pattern(name, settings).match(network) is not None):
                program = bundled(family)
                variant = program.variants[name]
                matched = variant.match(network)
                return program, matched or {}, variant.passes
    known = [name for family in families for name in variant_names(family)]
    hint = nearest(network, [*families, *known]) or "`costmodel networks` lists them"
    raise UnknownNameError(f"unknown network {shown(network)}; {hint}")


VARIANT_KEY = re.compile(r'^(?:\[variants\.)?"?([^"=\s\[\]]+)"?[ \t]*[=\]]', re.MULTILINE)
"""The keys of [variants], each `name = ...` or a table [variants.name]; others that look so do no harm."""


def _may_declare(family: str, network: str) -> bool:
    """Whether the variants of a bundled file may hold a name, by its text: parsing dozens of files takes too long."""
    _, _, variants = text_of_bundled(FOLDER, family).partition("\n[variants")
    return any(
        network.startswith(key.partition("{")[0]) if "{" in key else key == network
        for key in VARIANT_KEY.findall("[variants" + variants)
    )


def _pattern(name: str, settings: Any) -> Variant:
    """A pattern of a file that was not checked yet."""
    listed = settings.get("listed") if isinstance(settings, dict) else None
    return Variant(name, {}, (), (), listed if isinstance(listed, dict) else None)


def _alike(first: str, second: str) -> int:
    """How many letters two names begin with in common."""
    pairs = zip(first, second, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _settings(variant: Variant | None) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    return (variant.settings, variant.passes) if variant is not None else ({}, ())


def bundled(family: str) -> Program:
    """The checked program of a bundled spec file."""
    if family not in _programs:
        _programs[family] = program_of(read_bundled(FOLDER, family))
    return _programs[family]


def program_of(document: Document) -> Program:
    """Read and check a spec document.

    Raises: SpecError with every mistake: those of the text, and those of the shapes that show when the network is
    expanded with its default parameters.
    """
    program = Program(document)
    if not program.problems:
        return program
    problems = list(program.problems)
    if program.can_expand:
        try:
            expand(program, {})
        except SpecError as error:
            problems += error.problems
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
            pass  # the walk over a file known to be wrong is only there to find more mistakes
    unique = {(each.file, each.line, each.column, each.problem): each for each in problems}
    raise SpecError(sorted(unique.values(), key=lambda each: (each.file, each.line, each.column)))


def variant_names(family: str) -> list[str]:
    """The names that a bundled family has for its variants."""
    variants = read_bundled(FOLDER, family).data.get("variants", {})
    return [published for name, settings in variants.items() for published, _ in _pattern(name, settings).published()]


def families() -> tuple[str, ...]:
    """Names of all bundled spec files."""
    return names_in(FOLDER)
