"""Chart to file: PNG or SVG, whole or not at all."""

from __future__ import annotations

import os

import matplotlib
from matplotlib.figure import Figure

from costmodel.errors import ParameterError
from costmodel.plots.style import DOTS_PER_INCH

SUFFIXES = (".png", ".svg")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a chart as PNG (150 dots per inch) or SVG, by the suffix of `path`.

    The file appears whole or not at all: it is written beside its place and moved there. The same chart gives the same
    bytes: no date, fixed ids.

    Raises: ParameterError for another suffix, a folder that does not exist, or a file that cannot be written.
    """
    target = os.fspath(path)
    folder, name = os.path.split(target)
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{target!r}: a chart is written as .png or .svg; end the file name with one of them")
    if not os.path.isdir(folder or os.curdir):
        raise ParameterError(f"{target!r}: the folder {folder!r} does not exist; make it first")
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
