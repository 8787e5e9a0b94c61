/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The host that the probe sees, set by whoever includes this, and BPF maps on it. */
#ifndef MAPS_H
#define MAPS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define UNUSED __attribute__((unused))

#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_F_NO_PREALLOC 1
#define BPF_F_RDONLY_PROG 128

#define TASK_COMM_BYTES 16
#define CHAINS 1024

static struct host {
	u64 now_ns;
	u32 cpus; /* of the per-CPU maps; the current one may be another */
	u32 cpu;
	u64 task;
	u64 pid_tgid;
	u64 cgroup;
	char comm[TASK_COMM_BYTES];
	u32 calls; /* that the probe has made since the last event */
	void (*interrupt)(u32 call);
} host;

/* The probe calls a helper or a map, and may be interrupted before the call is done. */
static inline void called(void)
{
	if (host.interrupt)
		host.interrupt(host.calls++);
}

enum kind { HASH, ARRAY, PERCPU_ARRAY };

/* The value is allocated apart, so that a sanitizer sees a write beyond it, and one to an element
 * that has been deleted or replaced. */
struct element {
	struct element *next;
	u8 *value;
	u64 key[8];
};

struct map {
	enum kind kind;
	const char *name;
	u32 key_bytes, value_bytes, max_entries;
	u32 limit; /* at most max_entries by the source, but a test may choose it */
	u32 count;
	struct element *chains[CHAINS];
	struct map *next;
};

static struct map *maps;

static inline void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		abort();
	return memory;
}

static inline struct element **map_place(struct map *map, const void *key)
{
	const u8 *bytes = key;
	u32 hash = 2166136261u; /* FNV-1a */
	struct element **place;
	u32 i;

	for (i = 0; i < map->key_bytes; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	place = &map->chains[hash % CHAINS];
	while (*place && memcmp((*place)->key, key, map->key_bytes))
		place = &(*place)->next;
	return place;
}

static inline void *map_get(struct map *map, const void *key)
{
	struct element *element = *map_place(map, key);

	return element ? element->value : NULL;
}

/* A hash table replaces the element of a key that it has; it does so even where it is full
 * (kernel/bpf/hashtab.c, alloc_htab_elem()). */
static inline int map_set(struct map *map, const void *key, const void *value, u64 flags)
{
	struct element **place = map_place(map, key);
	struct element *old = *place;
	struct element *element;

	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!old && map->count >= map->limit)
		return -E2BIG;
	element = allocate(sizeof(*element));
	element->value = allocate(map->value_bytes);
	memcpy(element->key, key, map->key_bytes);
	memcpy(element->value, value, map->value_bytes);
	if (old) {
		element->next = old->next;
		free(old->value);
		free(old);
	} else {
		map->count++;
	}
	*place = element;
	return 0;
}

static inline int map_remove(struct map *map, const void *key)
{
	struct element **place = map_place(map, key);
	struct element *old = *place;

	if (!old)
		return -ENOENT;
	*place = old->next;
	free(old->value);
	free(old);
	map->count--;
	return 0;
}

static inline void map_clear(struct map *map)
{
	u32 chain;

	for (chain = 0; chain < CHAINS; chain++)
		while (map->chains[chain])
			map_remove(map, map->chains[chain]->key);
}

/* All maps as they are when they have just been created, for `cpus` possible CPUs. */
static inline void maps_reset(u32 cpus)
{
	struct map *map;
	u32 key, entries;
	u8 *zeros;

	host.cpus = cpus;
	for (map = maps; map; map = map->next) {
		map_clear(map);
		map->limit = map->max_entries;
		if (map->kind == HASH)
			continue;
		entries = map->kind == PERCPU_ARRAY ? cpus * map->max_entries : map->max_entries;
		map->limit = entries;
		zeros = allocate(map->value_bytes);
		for (key = 0; key < entries; key++)
			map_set(map, &key, zeros, BPF_ANY);
		free(zeros);
	}
}

static inline struct map *map_named(const char *name)
{
	struct map *map = maps;

	while (map && strcmp(map->name, name))
		map = map->next;
	return map;
}

/* The four methods, as bcc's translation of `map.method()` calls them. */

static inline void *map_lookup(struct map *map, const void *key)
{
	u32 index;

	called();
	if (map->kind == HASH)
		return map_get(map, key);
	memcpy(&index, key, sizeof(index));
	if (index >= map->max_entries)
		return NULL;
	if (map->kind == PERCPU_ARRAY)
		index += host.cpu * map->max_entries;
	return map_get(map, &index);
}

static inline int map_update(struct map *map, const void *key, const void *value, u64 flags)
{
	called();
	return map_set(map, key, value, flags);
}

static inline int map_delete(struct map *map, const void *key)
{
	called();
	return map->kind == HASH ? map_remove(map, key) : -EINVAL;
}

#define TABLE(kind_, key_t, leaf_t, name_, max_)                                                   \
	static struct map name_##_map = {                                                          \
		.name = #name_,                                                                    \
		.key_bytes = sizeof(key_t),                                                        \
		.value_bytes = sizeof(leaf_t),                                                     \
		.max_entries = (max_),                                                             \
	};                                                                                         \
	_Static_assert(sizeof(key_t) <= sizeof(((struct element *)0)->key), "key too large");      \
	__attribute__((constructor)) static void name_##_register(void)                            \
	{                                                                                          \
		name_##_map.kind = kind_;                                                          \
		name_##_map.next = maps;                                                           \
		maps = &name_##_map;                                                               \
	}                                                                                          \
	static leaf_t *name_##_lookup(const key_t *key)                                            \
	{                                                                                          \
		return map_lookup(&name_##_map, key);                                              \
	}                                                                                          \
	static int name_##_update(const key_t *key, const leaf_t *leaf)                            \
	{                                                                                          \
		return map_update(&name_##_map, key, leaf, BPF_ANY);                               \
	}                                                                                          \
	static int name_##_insert(const key_t *key, const leaf_t *leaf)                            \
	{                                                                                          \
		return map_update(&name_##_map, key, leaf, BPF_NOEXIST);                           \
	}                                                                                          \
	static int name_##_delete(const key_t *key)                                                \
	{                                                                                          \
		return map_delete(&name_##_map, key);                                              \
	}                                                                                          \
	static const struct {                                                                      \
		leaf_t *(*lookup)(const key_t *key);                                               \
		int (*update)(const key_t *key, const leaf_t *leaf);                               \
		int (*insert)(const key_t *key, const leaf_t *leaf);                               \
		int (*delete)(const key_t *key);                                                   \
	} name_ UNUSED = { name_##_lookup, name_##_update, name_##_insert, name_##_delete }

#define BPF_F_TABLE(kind_, key_t, leaf_t, name_, max_, flags_)                                     \
	TABLE(strcmp(kind_, "hash") ? ARRAY : HASH, key_t, leaf_t, name_, max_)
/* An LRU table, which is never full: here it is a table that refuses, as if what it has just taken had
 * been forgotten at once. */
#define BPF_TABLE(kind_, key_t, leaf_t, name_, max_) TABLE(HASH, key_t, leaf_t, name_, max_)
#define BPF_ARRAY(name_, leaf_t, max_) TABLE(ARRAY, int, leaf_t, name_, max_)
#define BPF_PERCPU_ARRAY(name_, leaf_t, max_) TABLE(PERCPU_ARRAY, int, leaf_t, name_, max_)

#endif
