"""Shared by all tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def layer_facts() -> dict[str, dict[str, Any]]:
    """Per-layer facts of networks, traced from independent implementations."""
    files = sorted((FIXTURES / "layers").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}
