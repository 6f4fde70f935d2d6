"""expense-runner: expenses from CSV files into many companies' books through Codat, each exactly once."""

__version__ = "0.1.0"
