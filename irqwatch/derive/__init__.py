"""Pure: two snapshots in, a view out."""
