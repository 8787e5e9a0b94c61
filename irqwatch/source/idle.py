"""Which entries of a map can be given up when it gets crowded.

Some keys come and go for ever: a workqueue is named after each loop device or mount, a line that is
set up again has a new struct irqaction. What is idle then makes room for what is not.
"""

# Long enough that a sample in between would have seen an entry that is in use.
PATIENCE_NS = 60 * 10**9


class IdleEntries:
    """Watches the entries of one map, but only while more than half of its places are taken."""

    def __init__(self, patience_ns: int = PATIENCE_NS) -> None:
        self._patience_ns = patience_ns
        self._since: dict[bytes, tuple[int, int]] = {}  # key → (what it held, since when in ns)

    def to_remove(
        self, entries: list[tuple[bytes, memoryview]], most: int, now_ns: int
    ) -> list[bytes]:
        """Keys of the entries that have not changed for the patience there is."""
        if len(entries) <= most // 2:
            self._since = {}
            return []
        since = {}
        for key, value in entries:
            held = hash(value.tobytes())
            before, from_ns = self._since.get(key, (held, now_ns))
            since[key] = (held, from_ns if held == before else now_ns)
        self._since = since
        return [key for key, (_, from_ns) in since.items() if now_ns - from_ns >= self._patience_ns]
