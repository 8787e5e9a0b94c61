import pytest

from irqwatch.parse.thread_name import ThreadName, parse


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("ksoftirqd/3", ThreadName("ksoftirqd", cpu=3)),
        ("irq/34-eth0", ThreadName("irq_thread", irq=34)),
        ("irq/34-s-eth0", ThreadName("irq_thread", irq=34)),
        ("irq/123-aerdrv-", ThreadName("irq_thread", irq=123)),  # cut at 15 bytes
        ("irq/24-ACPI:Ged", ThreadName("irq_thread", irq=24)),
        ("irq_work/3", None),
        ("ksoftirqd", None),
        ("ksoftirqd/3x", None),
        ("irq/x-eth0", None),
        ("irqbalance", None),
        ("", None),
    ],
)
def test_names(name: str, parsed: ThreadName | None) -> None:
    assert parse(name) == parsed
