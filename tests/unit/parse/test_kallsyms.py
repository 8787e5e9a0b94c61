import io

from irqwatch.parse import kallsyms

RAW = b"""0000000000000000 A fixed_percpu_data
ffffffff81000000 T startup_64
ffffffff81000000 T _stext
ffffffff81001000 t vmstat_update
ffffffffc0a01000 t nvme_reset_work\t[nvme]
ffffffffc0a02000 t evil\x1b\t[mod]
"""


def parse(*wanted: int, raw: bytes = RAW) -> dict[int, str]:
    return kallsyms.parse(io.BytesIO(raw), set(wanted))


def test_names_of_the_kernel_and_of_modules() -> None:
    assert parse(0xFFFFFFFF81001000, 0xFFFFFFFFC0A01000, 0xFFFFFFFF81001008) == {
        0xFFFFFFFF81001000: "vmstat_update",
        0xFFFFFFFFC0A01000: "nvme_reset_work [nvme]",
    }


def test_the_first_name_of_an_address_counts() -> None:
    assert parse(0xFFFFFFFF81000000, 1) == {0xFFFFFFFF81000000: "startup_64"}


def test_names_are_made_printable() -> None:
    assert parse(0xFFFFFFFFC0A02000) == {0xFFFFFFFFC0A02000: "evil\\x1b [mod]"}


def test_hidden_addresses_name_nothing() -> None:
    hidden = b"0000000000000000 T startup_64\n0000000000000000 T _stext\n"
    assert parse(0xFFFFFFFF81000000, raw=hidden) == {}


def test_32_bit_addresses() -> None:
    assert parse(0xC0008000, raw=b"c0008000 T stext\n") == {0xC0008000: "stext"}


def test_it_reads_no_further_than_the_last_one_found() -> None:
    rows = iter(RAW.splitlines(keepends=True))
    kallsyms.parse(rows, {0xFFFFFFFF81001000})
    assert b"nvme_reset_work" in next(rows)


def test_garbage_names_nothing() -> None:
    assert parse(1, 2, raw=b"\0\xff\n\nffffffff81000000\n  \n") == {}
