"""Values of the trade: no I/O at all."""
