/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The one compile unit. bcc rewrites only what stands in the file it is given, so the loader pastes
 * the quoted includes in; a native compiler follows them as they are. Each collector is left out
 * unless its macro is defined. The limits (MAX_*) and the offsets (OFFSET_*, from the running kernel's
 * BTF) are macros too: see irqwatch/source/loader_child.py.
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
#ifdef COLLECT_HARDIRQ
#include "hardirq.c"
#endif
#ifdef COLLECT_VECTOR
#include "vector.c"
#endif
#if defined(COLLECT_SOFTIRQ) && defined(COLLECT_NAPI) && defined(COLLECT_HARDIRQ)
#define SHARE_NET_RX
#include "net_rx.c"
#endif
#ifdef COLLECT_SOFTIRQ
#include "softirq.c"
#endif
#ifdef COLLECT_WORK
#include "workqueue.c"
#endif
#ifdef COLLECT_TIMER
#include "timer.c"
#endif
#ifdef COLLECT_TASKLET
#include "tasklet.c"
#endif
#ifdef COLLECT_NAPI
#include "napi.c"
#endif
#ifdef COLLECT_EXCEPTION
#include "exception.c"
#endif
#ifdef COLLECT_SIGNAL
#include "signal.c"
#endif
#ifdef COLLECT_SYSCALL
#include "syscall.c"
#endif
