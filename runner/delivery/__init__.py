"""How notices leave: by a command, to a URL, into a file. Knows nothing of what they are about."""
