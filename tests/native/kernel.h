/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What bcc and the kernel give the probe, for a native compiler: types, maps, helpers. The probe's
 * source is taken as it is. Each call from the probe may be interrupted through `host.interrupt`.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "maps.h"

#define MEMORY_BYTES 256

/* As long as the tracepoint has arguments, so that a sanitizer sees a read beyond them. */
struct bpf_raw_tracepoint_args {
	u64 args[0];
};

/* Kernel memory that can be read: by its first address. All else faults. */
struct memory {
	u64 length;
	u8 bytes[MEMORY_BYTES];
};

static struct map memory = {
	.kind = HASH,
	.name = "memory",
	.key_bytes = sizeof(u64),
	.value_bytes = sizeof(struct memory),
	.limit = UINT32_MAX,
};

static inline void memory_set(u64 address, const void *bytes, u64 length)
{
	struct memory region = { .length = length };

	memcpy(region.bytes, bytes, length);
	map_set(&memory, &address, &region, BPF_ANY);
}

/* May be interrupted on either side of the reading. */
static inline u64 bpf_ktime_get_ns(void)
{
	u64 now_ns;

	called();
	now_ns = host.now_ns;
	called();
	return now_ns;
}

static inline u32 bpf_get_smp_processor_id(void)
{
	called();
	return host.cpu;
}

static inline u64 bpf_get_current_pid_tgid(void)
{
	called();
	return host.pid_tgid;
}

static inline u64 bpf_get_current_task(void)
{
	called();
	return host.task;
}

static inline u64 bpf_get_current_cgroup_id(void)
{
	called();
	return host.cgroup;
}

/* strscpy_pad() (kernel/bpf/helpers.c) */
static inline int bpf_get_current_comm(void *to, u32 size)
{
	called();
	memset(to, 0, size);
	memcpy(to, host.comm, strnlen(host.comm, size - 1));
	return 0;
}

/* Zeros what it cannot read (kernel/trace/bpf_trace.c, bpf_probe_read_kernel_common()). */
static inline int bpf_probe_read_kernel(void *to, u32 size, const void *from)
{
	u64 address = (u64)from;
	struct memory *region;

	called();
	region = map_get(&memory, &address);
	if (!region || region->length < size) {
		memset(to, 0, size);
		return -EFAULT;
	}
	memcpy(to, region->bytes, size);
	return 0;
}

/* A symbol's name is what the kernel's memory holds at its address; without one, the address is shown
 * (lib/vsprintf.c, symbol_string()). Any other format would not load. */
static inline int irqw_snprintf(char *to, u32 size, const char *format, const void *data, u32 length)
{
	struct memory *symbol = map_get(&memory, data);

	called();
	if (strcmp(format, "%ps") || length != sizeof(u64)) {
		memset(to, 0, size);
		return -EINVAL;
	}
	if (symbol)
		return snprintf(to, size, "%.*s", (int)symbol->length, (char *)symbol->bytes) + 1;
	return snprintf(to, size, "0x%llx", *(const u64 *)data) + 1;
}

/* Leaves alone what follows the NUL, zeros all where it faults (bpf_probe_read_kernel_str_common()). */
static inline int bpf_probe_read_kernel_str(void *to, u32 size, const void *from)
{
	u64 address = (u64)from;
	struct memory *region;
	char *out = to;
	u32 i;

	called();
	region = map_get(&memory, &address);
	for (i = 0; region && i < size && i < region->length; i++) {
		out[i] = region->bytes[i];
		if (!out[i])
			return i + 1;
	}
	if (i == size) {
		out[size - 1] = 0;
		return size;
	}
	memset(to, 0, size);
	return -EFAULT;
}

#endif
