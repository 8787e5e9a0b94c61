"""A plan as a shell script, and what came of applying one, in words and as JSON."""
