"""What the column `note` of a measured table holds: key=value; key=value."""

from __future__ import annotations

REMARK = "remark"


def note_values(text: str) -> dict[str, str]:
    """The values of a note by key. Words without "=" are the value of "remark".

    >>> note_values("statistic=min; powersave=2; case=g=4; quiet room")
    {'statistic': 'min', 'powersave': '2', 'case': 'g=4', 'remark': 'quiet room'}
    """
    values: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            key, value = REMARK, key
        if value or equals:
            values[key] = f"{values[key]}; {value}" if key in values else value
    return values
