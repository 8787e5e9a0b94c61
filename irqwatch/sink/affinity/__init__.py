"""Applying a Plan: journal, write, verify, undo; and the same as a shell script."""
