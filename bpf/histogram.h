/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The bucket rule: edges at 2^(n/4) seconds, from 2^-25 s (29.8 ns) to 64 s, one bucket below, one
 * above. Its twin, with the reasoning, is irqwatch/model/histogram.py.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#define BUCKETS 126
#define LAST_OF_FIRST_NS 29ULL /* 2^-25 s is 29.8 ns */
#define LAST_EDGE_NS 64000000000ULL
/* What 4 * octave + quarters is for the last values of the first bucket. */
#define FIRST 19

/*
 * The edges of an octave, brought to [2^63, 2^64): 2^34 * 10^9 * 2^(n/4) for n of -3 to 0, rounded
 * down. A whole number is above an edge if it is above the edge rounded down.
 */
#define QUARTER_1 10215211334214395865ULL
#define QUARTER_2 12148001999904198769ULL
#define QUARTER_3 14446490411353358019ULL
#define QUARTER_4 17179869184000000000ULL

struct histogram {
	u64 sum_ns;
	u64 buckets[BUCKETS];
};

/* 1 if `value` is above `edge`, else 0. Both have their highest bit set, so the difference has it only
 * where it is negative: no branch, which a CPU could not foresee. */
static __always_inline u64 is_above(u64 value, u64 edge)
{
	return (edge - value) >> 63;
}

static __always_inline u64 bucket_of(u64 ns)
{
	u64 octave = 63;
	u64 high = ns; /* its highest bit brought to the top */

	if (ns <= LAST_OF_FIRST_NS)
		return 0;
	if (ns > LAST_EDGE_NS)
		return BUCKETS - 1;
	if (!(high >> 32)) {
		high <<= 32;
		octave -= 32;
	}
	if (!(high >> 48)) {
		high <<= 16;
		octave -= 16;
	}
	if (!(high >> 56)) {
		high <<= 8;
		octave -= 8;
	}
	if (!(high >> 60)) {
		high <<= 4;
		octave -= 4;
	}
	if (!(high >> 62)) {
		high <<= 2;
		octave -= 2;
	}
	octave -= !(high >> 63);
	high <<= !(high >> 63);
	return 4 * octave - FIRST + is_above(high, QUARTER_1) + is_above(high, QUARTER_2) +
	       is_above(high, QUARTER_3) + is_above(high, QUARTER_4);
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
