#include "tests/fuzz/trial.h"

#include <assert.h>
#include <string.h>

#include "lib/core/reply.h"

/* Times of a clock, far from the ends of what an int64_t holds. */
#define TIME_MASK (UINT64_MAX >> 4)

/* The next number of a line; 0 where there is none. */
static uint64_t
take(struct fuzz_input *line)
{
	uint64_t number;

	return evpop_number_take(&line->at, &line->left, &number) ? number : 0;
}

static void
read_policy(struct trial *trial, struct fuzz_input line)
{
	trial->policy.keep = (enum evpop_keep)(take(&line) % 3);
	trial->policy.keep_ms = (int64_t)(take(&line) & TIME_MASK);
	trial->policy.max_message_octets = take(&line);
	trial->policy.max_messages = (uint32_t)take(&line);
	trial->policy.order = (enum evpop_order)(take(&line) % 2);
	trial->now_ms = (int64_t)(take(&line) & TIME_MASK);
	trial->ignored = (uint32_t)(take(&line) & 0xff);
	trial->policy.delete_above_octets = take(&line);
	trial->policy.max_deletes = (uint32_t)take(&line);
	trial->policy.baseline = take(&line) != 0;
	trial->policy.fetch_unidentified = take(&line) != 0;
	trial->policy.fetch_after_ms = (int64_t)(take(&line) & TIME_MASK);
}

static void
read_id(struct trial *trial, struct fuzz_input line)
{
	struct evpop_listed listed = { .number = 0 };

	if (!evpop_message_number_take(&line.at, &line.left, &listed.number))
		return;
	evpop_trim(&line.at, &line.left);
	listed.unique_id = line.at;
	listed.unique_id_length = line.left;
	assert(evpop_listing_add_id(&trial->builder, &listed));
	trial->id_lines++;
}

static void
read_size(struct trial *trial, struct fuzz_input line)
{
	struct evpop_listed listed = { .number = 0 };

	if (!evpop_message_number_take(&line.at, &line.left, &listed.number))
		return;
	listed.octets = take(&line);
	assert(evpop_listing_add_size(&trial->builder, &listed));
	trial->size_lines++;
}

bool
trial_same_id(const unsigned char *a, size_t a_length, const unsigned char *b,
    size_t b_length)
{
	return a_length == b_length &&
	       (a_length == 0 || memcmp(a, b, a_length) == 0);
}

/* What is known is a set: each id and occurrence is known once. */
static void
add_known(struct trial *trial, struct evpop_known known, struct fuzz_input line)
{
	const struct evpop_known *other;
	size_t i;

	evpop_trim(&line.at, &line.left);
	known.unique_id = line.at;
	known.unique_id_length = line.left;
	for (i = 0; i < trial->known_count; i++) {
		other = &trial->known[i];
		if (other->occurrence == known.occurrence &&
		    trial_same_id(other->unique_id, other->unique_id_length,
			known.unique_id, known.unique_id_length))
			return;
	}
	if (line.left > 0 && trial->known_count < KNOWN_MAX)
		trial->known[trial->known_count++] = known;
}

static struct evpop_known
take_known(struct fuzz_input *line)
{
	struct evpop_known known = { .occurrence = (uint32_t)take(line) };

	known.state = (enum evpop_known_state)(take(line) % 6);
	known.stored_ms = (int64_t)(take(line) & TIME_MASK);
	return known;
}

static void
read_known(struct trial *trial, struct fuzz_input line)
{
	struct evpop_known known = take_known(&line);

	add_known(trial, known, line);
}

static void
read_known_header(struct trial *trial, struct fuzz_input line)
{
	struct evpop_known known = take_known(&line);
	size_t digest;

	known.octets = take(&line);
	digest = take(&line) % DIGESTS;
	if (digest > 0)
		known.header_digest = trial->digests[digest];
	add_known(trial, known, line);
}

static void
read_header(struct trial *trial, struct fuzz_input line)
{
	uint32_t number;
	unsigned digest;

	if (!evpop_message_number_take(&line.at, &line.left, &number))
		return;
	digest = (unsigned)(take(&line) % DIGESTS);
	if (digest == 0 || trial->header_count == HEADERS_MAX)
		return;
	trial->headers[trial->header_count].number = number;
	trial->headers[trial->header_count++].digest = digest;
}

const unsigned char *
trial_header(const struct trial *trial, uint32_t number)
{
	size_t i;

	for (i = 0; i < trial->header_count; i++)
		if (trial->headers[i].number == number)
			return trial->digests[trial->headers[i].digest];
	return NULL;
}

/* All lines of one kind, in their order. */
static void
read_lines(struct trial *trial, struct fuzz_input input, unsigned char kind,
    void (*read)(struct trial *, struct fuzz_input))
{
	struct fuzz_input line;

	while (input.left > 0) {
		line = fuzz_up_to(&input, '\n');
		if (fuzz_octet(&line) == kind)
			read(trial, line);
	}
}

static void
read_no_ids(struct trial *trial, struct fuzz_input line)
{
	(void)line;
	trial->no_ids = true;
}

/* As the driver does it with TOP, where the server gives no ids. */
static void
name_entries(struct trial *trial)
{
	struct evpop_listing *listing = &trial->builder.listing;
	const unsigned char *digest;
	char name[8] = "top-";
	size_t i;

	listing->digests = true;
	for (i = 0; i < listing->count; i++) {
		digest = trial_header(trial, listing->entries[i].number);
		if (digest == NULL) {
			listing->digests = false;
			continue;
		}
		name[4] = (char)digest[0];
		assert(evpop_listing_set_id(&trial->builder, i, name, 5));
	}
	assert(evpop_listing_occurrences(listing) == EVPOP_ERROR_NONE);
}

void
trial_read(struct trial *trial, struct fuzz_input input)
{
	size_t i;

	memset(trial, 0, sizeof(*trial));
	for (i = 0; i < DIGESTS; i++)
		memset(
		    trial->digests[i], 'a' + (int)i, sizeof(trial->digests[i]));
	read_lines(trial, input, 'p', read_policy);
	read_lines(trial, input, 'n', read_no_ids);
	read_lines(trial, input, 'k', read_known);
	read_lines(trial, input, 'h', read_known_header);
	read_lines(trial, input, 't', read_header);
	if (trial->no_ids) {
		read_lines(trial, input, 's', read_size);
		evpop_listing_note_ignored(
		    &trial->builder, trial->ignored, NULL);
		evpop_listing_sizes_done(&trial->builder);
		name_entries(trial);
	} else {
		read_lines(trial, input, 'u', read_id);
		evpop_listing_note_ignored(
		    &trial->builder, trial->ignored, NULL);
		assert(evpop_listing_ids_done(&trial->builder) ==
		       EVPOP_ERROR_NONE);
	}
	trial->first_ignored = trial->builder.listing.ignored;
}

void
trial_read_sizes(struct trial *trial, struct fuzz_input input)
{
	if (trial->no_ids)
		return;
	read_lines(trial, input, 's', read_size);
	/* Sizes that are garbled make no ids so. */
	trial->builder.listing.ignored = trial->first_ignored;
}

void
trial_clear(struct trial *trial)
{
	evpop_listing_clear(&trial->builder);
}
