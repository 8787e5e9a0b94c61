"""Attaches a program that does next to nothing to each softirq tracepoint; ends when stdin does.

The floor under any tracer: ``empty`` returns at once, ``clock`` reads the clock once, which latency
and run time cannot be measured without. Run by the interpreter that can import bcc.
"""

import os
import sys
from pathlib import Path

os.environ["BCC_KERNEL_SOURCE"] = str(Path(__file__).parent.parent / "bpf" / "headers")

from bcc import BPF

TRACEPOINTS = ("softirq_raise", "softirq_entry", "softirq_exit")
BODIES = {"empty": "return 0;", "clock": "return bpf_ktime_get_ns() == 0;"}

body = BODIES[sys.argv[1]]
text = "".join(
    f"int floor_{name}(struct bpf_raw_tracepoint_args *ctx) {{ {body} }}\n" for name in TRACEPOINTS
)
bpf = BPF(text="#include <linux/types.h>\n" + text)
for name in TRACEPOINTS:
    bpf.load_func(f"floor_{name}", BPF.RAW_TRACEPOINT)
    bpf.attach_raw_tracepoint(tp=name, fn_name=f"floor_{name}")
print("attached", flush=True)
sys.stdin.read()
