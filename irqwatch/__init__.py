"""irqwatch: times every interrupt on a Linux host and says where each should run."""

__version__ = "0.1.0"
