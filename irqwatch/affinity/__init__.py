"""Applying a Plan and taking it back: the one place that writes to /proc/irq."""
