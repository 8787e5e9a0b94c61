"""Kernel text made printable."""

MAX_CHARACTERS = 256


def clean(raw: bytes) -> str:
    """``raw`` as printable text: bytes that are not UTF-8 and characters that a terminal would act
    upon become backslash escapes; at most ``MAX_CHARACTERS``."""
    text = raw.decode(errors="backslashreplace")
    if not text.isprintable():
        text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text[:MAX_CHARACTERS]
