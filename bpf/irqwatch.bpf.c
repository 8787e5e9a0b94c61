/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The one compile unit. bcc rewrites only what stands in the file it is given, so the loader pastes
 * the quoted includes in; a native compiler follows them as they are. The limits (MAX_*), the offsets
 * (OFFSET_*, from the running kernel's BTF) and COLLECT_* of the collectors that are wanted are macros:
 * see irqwatch/source/loader_child.py.
 *
 * Here is what several collectors use, or what the programs of others call. The file of each wanted
 * collector that only looks for itself is added below by the loader, which has them from the collectors'
 * own records.
 */
#include <linux/types.h>

#include "irqwatch.h"
#include "common.c"
#ifdef COLLECT_TRACE
#include "trace.c"
#endif
#ifdef COLLECT_BLAME
#include "blame.c"
#endif
#if defined(COLLECT_HARDIRQ) || defined(COLLECT_VECTOR)
#include "interrupt.c"
#endif
#ifdef COLLECT_THREAD
#include "thread.c"
#endif
#if defined(COLLECT_SOFTIRQ) && defined(COLLECT_NAPI) && defined(COLLECT_HARDIRQ)
#define SHARE_NET_RX
#include "net_rx.c"
#endif
