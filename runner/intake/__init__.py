"""CSV files at the edge: rows in, expenses or row errors out."""
