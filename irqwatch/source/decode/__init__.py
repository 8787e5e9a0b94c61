"""The values of collectors that have maps of their own: a file each, the twin of bpf/NAME.c. Pure.

``parts`` of a per-CPU map are (CPU, its value as words); of a hash table (key, value as words).
"""
