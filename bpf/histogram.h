/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The bucket rule: four buckets an octave from 32 ns to 2^36 ns, one below, one above.
 * Its twin, with the reasoning, is irqwatch/model/histogram.py.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#define FIRST_OCTAVE 5
#define LAST_OCTAVE 36
#define BUCKETS (4 * (LAST_OCTAVE - FIRST_OCTAVE) + 2)

struct histogram {
	u64 sum_ns;
	u64 buckets[BUCKETS];
};

static __always_inline u64 bucket_of(u64 ns)
{
	u64 octave = 0;
	u64 rest = ns;

	if (ns < 1ULL << FIRST_OCTAVE)
		return 0;
	if (ns >= 1ULL << LAST_OCTAVE)
		return BUCKETS - 1;
	if (rest >> 32) {
		rest >>= 32;
		octave += 32;
	}
	if (rest >> 16) {
		rest >>= 16;
		octave += 16;
	}
	if (rest >> 8) {
		rest >>= 8;
		octave += 8;
	}
	if (rest >> 4) {
		rest >>= 4;
		octave += 4;
	}
	if (rest >> 2) {
		rest >>= 2;
		octave += 2;
	}
	octave += rest >> 1;
	return 4 * (octave - FIRST_OCTAVE) + ((ns >> (octave - 2)) & 3) + 1;
}

/* The slot for `ns`. The verifier does not follow the arithmetic above, and the compiler, which does,
 * would drop the check: hence the barrier. */
static __always_inline u64 *bucket_for(struct histogram *histogram, u64 ns)
{
	u64 bucket = bucket_of(ns);

	asm volatile("" : "+r"(bucket));
	if (bucket >= BUCKETS)
		bucket = BUCKETS - 1;
	return &histogram->buckets[bucket];
}

static __always_inline void histogram_add(struct histogram *histogram, u64 ns)
{
	*bucket_for(histogram, ns) += 1;
	histogram->sum_ns += ns;
}

/* For a histogram that several CPUs write. */
static __always_inline void histogram_add_shared(struct histogram *histogram, u64 ns)
{
	__sync_fetch_and_add(bucket_for(histogram, ns), 1);
	__sync_fetch_and_add(&histogram->sum_ns, ns);
}

#endif
