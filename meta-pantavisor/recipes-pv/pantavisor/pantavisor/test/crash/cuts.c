/* SPDX-License-Identifier: MIT */
#include "cuts.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ABSENT 0
#define DONE 1

struct walk {
	struct cuts *cuts;
	const struct trace *trace;
	cut_judge *judge;
	void *context;
	struct disk durable, home, state;
	size_t pending[TRACE_CALLS];
	unsigned char variants[TRACE_CALLS];
	size_t pending_count;
	char *made[TRACE_CALLS]; /* bytes of the state that is looked at */
	size_t made_count;
	char *kept[TRACE_CALLS]; /* of the durable one */
	size_t kept_count;
	struct cut cut;
};

void cuts_free(struct cuts *cuts)
{
	free(cuts->seen);
	free(cuts->judged);
}

static bool is_new(const struct cuts *cuts, uint64_t *set, uint64_t hash)
{
	size_t at = (hash ^ hash >> 32) & (cuts->room - 1);

	hash |= 1;
	while (set[at]) {
		if (set[at] == hash)
			return false;
		at = (at + 1) & (cuts->room - 1);
	}
	set[at] = hash;
	return true;
}

static unsigned int variants_of(const struct call *call)
{
	if (call->kind == CALL_NAMES)
		return 2;
	return call->in_place ? 6 : 4;
}

static void copy_disk(struct disk *to, const struct disk *from)
{
	memcpy(to->entries, from->entries, from->entry_count * sizeof(*from->entries));
	to->entry_count = from->entry_count;
	memcpy(to->files, from->files, disk_world.node_count * sizeof(*from->files));
}

/* What a write in place leaves: sectors new, old or unreadable. */
static void tear(char *bytes, const struct call *call, unsigned int variant)
{
	size_t first = call->length < SECTOR ? call->length : SECTOR, rest = call->length - first;

	if (variant == DONE || variant == 3)
		memcpy(bytes + call->offset, call->bytes, first);
	if (variant == 2 || variant == 5)
		memset(bytes + call->offset, '\xee', first);
	if (variant == DONE || variant == 2 || variant == 4)
		memcpy(bytes + call->offset + first, call->bytes + first, rest);
}

static void apply_bytes(
	struct disk *disk, const struct call *call, unsigned int variant, char **made, size_t *made_count)
{
	struct disk_bytes *file = &disk->files[call->node];
	size_t length = call->offset + call->length;
	char *bytes;

	if (variant == ABSENT)
		return;
	if (!call->in_place && variant == 3)
		length -= call->length - call->length / 2;
	if (length < file->length)
		length = file->length;
	bytes = pv_alloc(length + 1, 1);
	if (file->length)
		memcpy(bytes, file->bytes, file->length);
	if (call->in_place)
		tear(bytes, call, variant);
	else if (variant == DONE || variant == 3)
		memcpy(bytes + call->offset, call->bytes, variant == 3 ? call->length / 2 : call->length);
	*file = disk_bytes_of(bytes, length);
	made[(*made_count)++] = bytes;
}

static void apply(
	struct disk *disk, const struct call *call, unsigned int variant, char **made, size_t *count)
{
	if (call->kind == CALL_BYTES)
		apply_bytes(disk, call, variant, made, count);
	else if (call->kind == CALL_NAMES && variant == DONE)
		for (size_t i = 0; i < call->change_count; i++)
			disk_set(disk, call->changes[i].folder, call->changes[i].name,
				call->changes[i].child);
}

/* The same state is judged again where more has been promised, or another choice is right. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
	return text ? disk_mix(hash, text, strlen(text) + 1) : disk_mix(hash, "", 1);
}

static uint64_t mix_claims(uint64_t hash, const struct cut *cut)
{
	for (int i = 0; i < EXPECTED; i++)
		hash = mix_text(hash, cut->expected[i]);
	for (size_t i = 0; i < cut->promise_count; i++) {
		hash = mix_text(mix_text(hash, cut->promises[i].revision), cut->promises[i].status);
		hash = mix_text(hash, cut->promises[i].path);
	}
	return hash;
}

static bool look(struct walk *walk)
{
	uint64_t hash;
	bool good = true;

	copy_disk(&walk->state, &walk->durable);
	for (size_t i = 0; i < walk->pending_count; i++)
		apply(&walk->state, &walk->trace->calls[walk->pending[i]], walk->variants[i], walk->made,
			&walk->made_count);
	hash = disk_hash(&walk->state);
	if (is_new(walk->cuts, walk->cuts->seen, hash))
		walk->cuts->states++;
	if (is_new(walk->cuts, walk->cuts->judged, mix_claims(hash, &walk->cut)))
		good = walk->judge(walk->context, &walk->cut);
	while (walk->made_count)
		free(walk->made[--walk->made_count]);
	return good;
}

/* Every selection of variants. */
static bool look_at_all(struct walk *walk)
{
	for (;;) {
		size_t i = 0;

		if (!look(walk))
			return false;
		while (i < walk->pending_count &&
			++walk->variants[i] == variants_of(&walk->trace->calls[walk->pending[i]]))
			walk->variants[i++] = ABSENT;
		if (i == walk->pending_count)
			return true;
	}
}

/* Those that differ from `usual` in at most `left` calls, from the one at `from` on. */
static bool look_at_few(struct walk *walk, size_t from, int left, unsigned char usual)
{
	if (!look(walk))
		return false;
	for (size_t i = from; left && i < walk->pending_count; i++) {
		unsigned int variants = variants_of(&walk->trace->calls[walk->pending[i]]);

		for (unsigned int v = 0; v < variants; v++) {
			if (v == usual)
				continue;
			walk->variants[i] = (unsigned char)v;
			if (!look_at_few(walk, i + 1, left - 1, usual))
				return false;
		}
		walk->variants[i] = usual;
	}
	return true;
}

static bool look_at_prefixes(struct walk *walk)
{
	memset(walk->variants, ABSENT, walk->pending_count);
	for (size_t i = 0; i < walk->pending_count; i++) {
		for (unsigned int v = variants_of(&walk->trace->calls[walk->pending[i]]); v-- > 1;) {
			walk->variants[i] = (unsigned char)v;
			if (!look(walk))
				return false;
		}
	}
	return true;
}

static bool look_after(struct walk *walk, size_t calls)
{
	size_t selections = 1;

	walk->cut.after = calls;
	for (size_t i = 0; i < walk->pending_count && selections <= walk->cuts->full; i++)
		selections *= variants_of(&walk->trace->calls[walk->pending[i]]);
	memset(walk->variants, ABSENT, walk->pending_count);
	if (selections <= walk->cuts->full)
		return look_at_all(walk);
	if (!look_at_few(walk, 0, walk->cuts->deviating, ABSENT))
		return false;
	memset(walk->variants, DONE, walk->pending_count);
	return look_at_few(walk, 0, walk->cuts->deviating, DONE) && look_at_prefixes(walk);
}

static bool is_covered(const struct call *call, const struct call *sync)
{
	if (sync->kind != CALL_SYNC)
		return true;
	if (call->kind == CALL_BYTES)
		return call->node == sync->node;
	return call->changes[0].folder == sync->node;
}

static void sync_pending(struct walk *walk, const struct call *sync)
{
	size_t left = 0;

	for (size_t i = 0; i < walk->pending_count; i++) {
		const struct call *call = &walk->trace->calls[walk->pending[i]];

		if (is_covered(call, sync))
			apply(&walk->durable, call, DONE, walk->kept, &walk->kept_count);
		else
			walk->pending[left++] = walk->pending[i];
	}
	walk->pending_count = left;
	if (sync->kind == CALL_HOME)
		copy_disk(&walk->home, &walk->durable);
}

static void take(struct walk *walk, size_t index)
{
	const struct call *call = &walk->trace->calls[index];

	switch (call->kind) {
	case CALL_NAMES:
	case CALL_BYTES:
		walk->pending[walk->pending_count++] = index;
		break;
	case CALL_SYNC:
	case CALL_ALL:
	case CALL_HOME:
		sync_pending(walk, call);
		break;
	case CALL_EXPECT:
		walk->cut.expected = call->expected;
		break;
	case CALL_PROMISE:
		if (walk->cut.promise_count == CUT_PROMISES)
			abort();
		walk->cut.promises[walk->cut.promise_count++] = call->promise;
		break;
	}
}

bool cuts_of(struct cuts *cuts, const struct trace *trace, cut_judge *judge, void *context)
{
	cleanup_free struct walk *walk = pv_alloc(1, sizeof(*walk));
	bool good = true;

	if (!cuts->seen) {
		cuts->seen = pv_alloc(cuts->room, sizeof(*cuts->seen));
		cuts->judged = pv_alloc(cuts->room, sizeof(*cuts->judged));
	}
	walk->cuts = cuts;
	walk->trace = trace;
	walk->judge = judge;
	walk->context = context;
	walk->cut.disk = &walk->state;
	walk->cut.home = &walk->home;
	copy_disk(&walk->durable, &trace->base);
	copy_disk(&walk->home, &trace->base);
	for (size_t i = 0; good && i < trace->count; i++) {
		take(walk, i);
		/* Where no call comes between them, two promises are one moment. */
		if (walk->cut.expected && i >= cuts->from &&
			(trace->calls[i].kind != CALL_PROMISE && trace->calls[i].kind != CALL_EXPECT))
			good = look_after(walk, i + 1);
	}
	if (good && walk->cut.expected)
		good = look_after(walk, trace->count);
	while (walk->kept_count)
		free(walk->kept[--walk->kept_count]);
	return good;
}
