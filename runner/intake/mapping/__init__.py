"""Mapping profiles: rows of foreign files become canonical rows before anything else looks at them."""
