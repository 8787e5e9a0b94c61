"""A Plan for people and for scripts."""
