"""Large hosts that never were: the same one each time from (cpus, lines, nodes, seed).

snapshots(size)              what irqwatch would read there, second after second
write_tree(snapshot, root)   a /proc and a /sys that read as that snapshot
ProbeMaps(probe)             the probe's maps, byte for byte, that read as its probe
"""

from tests.scale.activity import snapshots
from tests.scale.machine import SIZES, Size
from tests.scale.maps import ProbeMaps
from tests.scale.tree import tree, write_tree

__all__ = ["SIZES", "ProbeMaps", "Size", "snapshots", "tree", "write_tree"]
