"""Frozen data; imports the standard library only."""
