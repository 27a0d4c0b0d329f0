"""The spec language: TOML text to checked steps to a graph."""
