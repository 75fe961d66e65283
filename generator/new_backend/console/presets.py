"""The presets, with their answers and their origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from new_backend.console.printing import print_json, print_wrapped, printable
from new_backend.invocation import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.presets import Preset


def print_presets(presets: Sequence[Preset], *, as_json: bool) -> None:
    """Print each preset with what it answers."""
    if as_json:
        listed = [
            {
                "name": each.name,
                "origin": each.origin,
                "description": each.description,
                "answers": dict(each.answers),
                "defaults": dict(each.defaults),
                "locked": sorted(each.locked),
            }
            for each in presets
        ]
        print_json({"presets": listed})
        return
    for preset in presets:
        print(f"{printable(preset.name)} ({printable(preset.origin)})")
        if preset.description:
            print_wrapped(printable(preset.description), 2)
        locked = dict.fromkeys(preset.locked, " (locked)")
        for title, values in (("answers", preset.answers), ("defaults", preset.defaults)):
            words = [
                f"{name}={spelled(value)}{locked.get(name, '')}" for name, value in values.items()
            ]
            if words:
                print_wrapped(printable(f"{title}: {', '.join(words)}"), 2)
