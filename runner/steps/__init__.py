"""One step of the walk a file: recall, begin, act, record."""
