"""The journal at the edge: the SQLite file of everything intended and everything known."""
