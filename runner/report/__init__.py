"""Pure rendering of what the journal knows."""
