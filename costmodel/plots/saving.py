"""Chart to file: PNG or SVG, whole or not at all."""

from __future__ import annotations

import os

import matplotlib
from matplotlib.figure import Figure

from costmodel.errors import ParameterError
from costmodel.plots.style import DOTS_PER_INCH

SUFFIXES = (".png", ".svg")


def check_path(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Where a chart will be written (a link's target), and its suffix.

    Raises: ParameterError for another suffix, or a folder that does not exist.
    """
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"{path!r} is not a path")
    target = os.path.realpath(path)
    suffix = os.path.splitext(target)[1].lower()
    if suffix not in SUFFIXES:
        named = os.fspath(path)
        raise ParameterError(f"{named!r}: a chart is written as .png or .svg; end the file name with one of them")
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise ParameterError(f"{os.fspath(path)!r}: the folder {folder!r} does not exist; make it first")
    return target, suffix


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a chart as PNG (150 dots per inch) or SVG, by the suffix of `path`.

    The file appears whole or not at all: it is written beside its place and moved there. The same chart gives the same
    bytes: no date, fixed ids.

    Raises: ParameterError for another suffix, a folder that does not exist, or a file that cannot be written.
    """
    target, suffix = check_path(path)
    folder, name = os.path.split(target)
    unfinished = os.path.join(folder, f".{name}.{os.getpid()}.unfinished")
    try:
        with matplotlib.rc_context({"svg.hashsalt": "costmodel", "svg.fonttype": "path"}):
            figure.savefig(
                unfinished, format=suffix[1:], dpi=DOTS_PER_INCH, metadata={"Date": None} if suffix == ".svg" else None
            )
        os.replace(unfinished, target)
    except OSError as error:
        raise ParameterError(f"{target!r} cannot be written: {error.strerror}") from None
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)
