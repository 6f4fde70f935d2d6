"""Fuzzing that is guided by what the program does with its input: too long for the tests, run by hand."""
