"""Calibrations of a device in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel import report
from costmodel.calibration.device_files import table_of
from costmodel.calibration.devices import DeviceFit
from costmodel.calibration.left_out import in_words
from costmodel.calibration.plausibility import at_bound
from costmodel.calibration.templates import members_of
from costmodel.latency.families import family_named

_FORMATS = {"value": report.significant, "starts_from": report.significant}
AT_BOUND = "at its bound"


def as_text(found: Sequence[DeviceFit], written: str | None = None) -> str:
    """The numbers, their figures on rows left out, and what was refused."""
    parts = [_text(each) for each in found]
    if found[0].left_out:
        parts.append("\n  ".join(["left out of the fit:", *in_words(found[0].left_out)]))
    if written is not None:
        parts.append(f"written to {written}; use it as {_selected(found, written)}")
    return "\n\n".join(parts)


def _selected(found: Sequence[DeviceFit], path: str) -> str:
    """What selects each calibration in a file."""
    if len(found) == 1:
        return f"--hardware {path}:{found[0].profile.runtime}"
    return " or ".join(f"--hardware {path}:{each.setting.partition(':')[2]}" for each in found)


def _text(found: DeviceFit) -> str:
    own, held = found.calibration, found.held_out
    accuracy = held.accuracy
    lines = [f"{found.setting}: {own.n} rows on the family {own.family}"]
    lines += ["", report.rendered(columns_of([found], short=True), "table", _FORMATS), ""]
    lines.append(
        f"held out by {held.by}: median error {accuracy.median_ape:.1%}, within 20 %: {accuracy.within_20:.0%}, "
        f"measured / predicted {held.low:.2f} to {held.high:.2f} for four of five: grade {held.grade}"
    )
    for refusal in found.fit.refusals:
        lines.append(f"not told by these rows: {refusal}".replace(f" of {found.setting}", ""))
    members = members_of(family_named(own.family), found.profile.device.name)
    members = [each for each in members if each.calibrated_on in own.calibrated_on]
    if members:
        lines.append(f"the family's constants were fitted to {own.calibrated_on} too: the error is a little flattered")
    return "\n".join(lines)


def columns_of(found: Sequence[DeviceFit], short: bool = False) -> dict[str, list[Any]]:
    """One entry per fitted number."""
    columns: dict[str, list[Any]] = {name: [] for name in ("calibration", "number", "value", "starts_from", "told")}
    for each in found:
        told = {refusal.parameter.name: "no" for refusal in each.fit.refusals} | dict.fromkeys(
            at_bound(each.fit), AT_BOUND
        )
        for parameter, value in zip(each.fit.problem.parameters, each.fit.values.values(), strict=True):
            columns["calibration"].append(each.setting)
            columns["number"].append(parameter.name)
            columns["value"].append(value)
            columns["starts_from"].append(parameter.start)
            columns["told"].append(told.get(parameter.name, "yes"))
    if short:
        del columns["calibration"]
    return columns


def as_object(found: Sequence[DeviceFit], written: str | None = None) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "calibrations": [
            {
                "profile": each.setting, "family": each.calibration.family,
                **{key: str(value) if key == "date" else value for key, value in table_of(each.calibration).items()},
                "within_10": each.held_out.accuracy.within_10, "mape": each.held_out.accuracy.mape,
                "refused": [str(refusal) for refusal in each.fit.refusals],
                "at_bound": list(at_bound(each.fit)),
            }
            for each in found
        ],
        "left_out": [{"row": row.place, "subject": row.subject, "reason": row.reason} for row in found[0].left_out],
        "written": written,
    }  # fmt: skip
