"""Pure: the text of a kernel file in, frozen data out. One kernel file, one module."""
