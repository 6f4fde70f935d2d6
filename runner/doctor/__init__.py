"""What stands in the way of a run: small checks that only look, each with what to do about it."""
