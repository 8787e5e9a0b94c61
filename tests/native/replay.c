/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Runs the probe natively, one command a line on standard input, words between spaces; numbers as in
 * C, bytes in hex ("-" is none). Commands without an answer are not acknowledged; one that is wrong
 * ends the program.
 *
 *   reset CPUS                       all as when just loaded
 *   limit MAP ENTRIES                instead of the source's own
 *   cpu CPU                          what is current from here on
 *   task ADDRESS PID COMM
 *   cgroup ID
 *   memory ADDRESS BYTES             kernel memory that can be read; "-": no more
 *   event TIME TRACEPOINT ARGUMENT…
 *   nested CALL TIME TRACEPOINT ARGUMENT…  interrupts the next event before its call number CALL
 *   update MAP KEY VALUE
 *   delete MAP KEY
 *   get MAP                          "ENTRIES KEY_BYTES VALUE_BYTES LIMIT", then key, value, key, …
 *   programs                         "TRACEPOINT MISSES RUNS …"
 *   bucket NS                        its bucket
 */
#include "probe.h"

#define MAX_WORDS 9
#define TGID 77777777ULL /* unlike any thread id, so that one taken for the other shows */

static char *words[MAX_WORDS];
static u32 word_count;

static void wrong(const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", words[0] ? words[0] : "", why);
	exit(2);
}

static const char *word(u32 at)
{
	if (at >= word_count)
		wrong("too few words");
	return words[at];
}

static u64 number(u32 at)
{
	return strtoull(word(at), NULL, 0);
}

static u64 hex(u32 at, void *to, u64 room)
{
	const char *text = word(at);
	u8 *out = to;
	u64 length = 0;
	unsigned int byte;

	for (; sscanf(text, "%2x", &byte) == 1; text += 2) {
		if (length == room)
			wrong("too many bytes");
		out[length++] = byte;
	}
	return length;
}

static struct map *map_at(u32 at)
{
	struct map *map = map_named(word(at));

	if (!map)
		wrong("no such map");
	return map;
}

/* False where the tracepoint's collector is left out. */
static bool event_at(u32 at, struct event *event)
{
	u32 i;

	memset(event, 0, sizeof(*event));
	event->time_ns = number(at);
	event->program = program_of(word(at + 1));
	if (!event->program)
		return false;
	for (i = 0; i < event->program->arguments; i++)
		event->args[i] = number(at + 2 + i);
	return true;
}

static void do_reset(void)
{
	reset(number(1));
}

static void do_limit(void)
{
	map_at(1)->limit = number(2);
}

static void do_cpu(void)
{
	host.cpu = number(1);
}

static void do_task(void)
{
	host.task = number(1);
	host.pid_tgid = TGID << 32 | number(2);
	memset(host.comm, 0, sizeof(host.comm));
	hex(3, host.comm, sizeof(host.comm) - 1);
}

static void do_cgroup(void)
{
	host.cgroup = number(1);
}

static void do_memory(void)
{
	u8 bytes[MEMORY_BYTES];
	u64 address = number(1);
	u64 length = hex(2, bytes, sizeof(bytes));

	if (length)
		memory_set(address, bytes, length);
	else
		map_remove(&memory, &address);
}

static void do_event(void)
{
	struct event event;

	if (event_at(1, &event))
		fire(&event);
}

static void do_nested(void)
{
	struct event event;

	if (event_at(2, &event))
		nest(number(1), &event);
}

static void do_update(void)
{
	struct map *map = map_at(1);
	u64 key[4] = {};
	u8 *value = allocate(map->value_bytes);

	hex(2, key, map->key_bytes);
	hex(3, value, map->value_bytes);
	map_set(map, key, value, BPF_ANY);
	free(value);
}

static void do_delete(void)
{
	struct map *map = map_at(1);
	u64 key[4] = {};

	hex(2, key, map->key_bytes);
	map_remove(map, key);
}

static void do_get(void)
{
	struct map *map = map_at(1);
	struct element *element;
	u32 chain;

	printf("%u %u %u %u\n", map->count, map->key_bytes, map->value_bytes, map->limit);
	for (chain = 0; chain < CHAINS; chain++) {
		for (element = map->chains[chain]; element; element = element->next) {
			fwrite(element->key, map->key_bytes, 1, stdout);
			fwrite(element->value, map->value_bytes, 1, stdout);
		}
	}
	fflush(stdout);
}

static void do_programs(void)
{
	struct program *program;

	for (program = programs; program->tracepoint; program++)
		printf("%s %llu %llu ", program->tracepoint, first_of(program)->misses,
		       program->runs);
	puts("");
	fflush(stdout);
}

static void do_bucket(void)
{
	printf("%llu\n", bucket_of(number(1)));
	fflush(stdout);
}

static const struct {
	const char *name;
	void (*run)(void);
} commands[] = {
	{ "event", do_event },	   { "cpu", do_cpu },	    { "task", do_task },
	{ "memory", do_memory },   { "nested", do_nested }, { "get", do_get },
	{ "update", do_update },   { "delete", do_delete }, { "limit", do_limit },
	{ "cgroup", do_cgroup },   { "programs", do_programs }, { "bucket", do_bucket }, { "reset", do_reset },
};

static void obey(void)
{
	u32 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, words[0])) {
			commands[i].run();
			return;
		}
	}
	wrong("no such command");
}

int main(void)
{
	static char line[1 << 16];
	char *rest;

	reset(1);
	while (fgets(line, sizeof(line), stdin)) {
		memset(words, 0, sizeof(words));
		word_count = 0;
		rest = strtok(line, " \n");
		for (; rest && word_count < MAX_WORDS; rest = strtok(NULL, " \n"))
			words[word_count++] = rest;
		if (word_count)
			obey();
	}
	reset(0);
	return 0;
}
