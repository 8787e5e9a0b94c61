"""Snapshot ↔ recording; the only serializer. The format is in docs/recording.md."""
