"""Every error irqwatch raises on purpose.

    IrqwatchError            one line: what is wrong and what to do
    ├── AffinityError        interrupts cannot be moved, or not be put back
    ├── LayoutError          the probe's source declares something that is not understood
    ├── ParseError           a kernel file holds something no parser here understands
    ├── ProbeError           the probe cannot be loaded or read
    ├── RecordingError       a recording cannot be read or written
    └── UsageError           the command line asks for something that cannot be

What a host merely lacks (no root, no BPF, a masked file) is not an error but data:
``irqwatch.model.snapshot.Unavailable``.
"""


class IrqwatchError(Exception):
    """Base of the tree; its text is one line for a person to read."""


class AffinityError(IrqwatchError):
    """Interrupts cannot be moved, or not be put back."""


class LayoutError(IrqwatchError):
    """The probe's source declares something that is not understood."""


class ParseError(IrqwatchError):
    """A kernel file holds something that no parser here understands."""


class ProbeError(IrqwatchError):
    """The probe cannot be loaded or read."""


class RecordingError(IrqwatchError):
    """A recording cannot be read or written; says which, and where in it."""


class UsageError(IrqwatchError):
    """The command line asks for something that cannot be."""
