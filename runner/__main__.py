"""`python -m runner` is `expense-runner`."""

from runner.cli import main

main()
