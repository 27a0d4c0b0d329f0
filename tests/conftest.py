"""Shared by all tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def layer_facts() -> dict[str, dict[str, Any]]:
    """Per-layer facts of networks, traced from independent implementations."""
    files = sorted((FIXTURES / "layers").glob("*.json"))
    return {file.stem: expanded(json.loads(file.read_text())) for file in files}


def expanded(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts with their layers and norms in execution order; a compact file lists each different row once."""
    for rows, order in (("layers", "order"), ("norms", "norm_order")):
        if order in facts:
            facts[rows] = [facts[rows][index] for index in facts[order]]
    return facts
