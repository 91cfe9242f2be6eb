/* A store whose mail is sealed: what it holds, and what it still recognises. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

#include "daemon/secret/sealed_fields.h"
#include "daemon/secret/sealed_form.h"
#include "daemon/store/digest.h"
#include "daemon/store/import.h"
#include "daemon/store/same_digest.h"
#include "lib/base/hex.h"

static const unsigned char seed[SEALING_SEED_SIZE] = "kept elsewhere";
static const unsigned char digest_key[STORE_DIGEST_KEY_SIZE] = "the daemon's";
static const unsigned char other_key[STORE_DIGEST_KEY_SIZE] = "another's";
static unsigned char seal_to[SEALING_PUBLIC_SIZE];

static int
setup_folder(void **state)
{
	struct sealing_opener *opener = sealing_opener_new(seed);

	if (opener == NULL || fixture_setup_folder(state) != 0)
		return -1;
	memcpy(seal_to, sealing_opener_public(opener), sizeof(seal_to));
	sealing_opener_free(&opener);
	return 0;
}

static void
seal(struct fixture *fixture)
{
	fixture->config.seal_to = seal_to;
	fixture->config.digest_key = digest_key;
}

static int
setup(void **state)
{
	if (setup_folder(state) != 0)
		return -1;
	seal(*state);
	fixture_open(*state);
	return 0;
}

#define SEALED_TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)
#define SEALED_TEST_FOLDER(function)     \
	cmocka_unit_test_setup_teardown( \
	    function, setup_folder, fixture_teardown)

/* ---- opening it ---- */

struct opened {
	char subject[256], names[256], transcript[256], account[64];
	unsigned char digest[STORE_DIGEST_SIZE];
	uint64_t octets, attachments;
	unsigned char *bytes;
	size_t length;
};

static void
keep_text(char *text_r, size_t size, const struct sealed_fields_reader *reader)
{
	size_t used = strlen(text_r);

	snprintf(text_r + used, size - used, "%.*s", (int)reader->length,
	    (const char *)reader->bytes);
}

static bool
take_envelope(void *arg, const unsigned char *bytes, size_t length)
{
	struct sealed_fields_reader reader = { .at = bytes, .left = length };
	struct opened *opened = arg;

	while (sealed_fields_next(&reader)) {
		if (reader.type == SEALED_SUBJECT)
			keep_text(opened->subject, 256, &reader);
		if (reader.type == SEALED_ATTACHMENT)
			keep_text(opened->names, 256, &reader);
		if (reader.type == SEALED_TRANSCRIPT)
			keep_text(opened->transcript, 256, &reader);
		if (reader.type == SEALED_ACCOUNT)
			keep_text(opened->account, 64, &reader);
		if (reader.type == SEALED_OCTETS)
			opened->octets = sealed_fields_number(&reader);
		if (reader.type == SEALED_ATTACHMENTS)
			opened->attachments = sealed_fields_number(&reader);
		if (reader.type == SEALED_DIGEST)
			memcpy(opened->digest, reader.bytes, reader.length);
	}
	return true;
}

static bool
take_bytes(void *arg, const unsigned char *bytes, size_t length)
{
	struct opened *opened = arg;

	opened->bytes = realloc(opened->bytes, opened->length + length + 1);
	assert_non_null(opened->bytes);
	memcpy(opened->bytes + opened->length, bytes, length);
	opened->length += length;
	return true;
}

struct part {
	bool done;
	enum store_status status;
	unsigned char *bytes;
	size_t length;
};

static void
take_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct part *part = arg;

	part->done = true;
	part->status = status;
	part->length = length;
	part->bytes = malloc(length + 1);
	assert_non_null(part->bytes);
	if (length > 0)
		memcpy(part->bytes, bytes, length);
}

struct size {
	bool done;
	enum store_status status;
	uint64_t octets;
};

static void
take_size(enum store_status status, uint64_t octets, const char *tag, void *arg)
{
	struct size *size = arg;

	assert_int_equal(strlen(tag), STORE_SEALED_TAG - 1);
	*size = (struct size){ true, status, octets };
}

/* As a client reads it; free opened_r->bytes. */
static enum sealing_error
open_of(struct fixture *fixture, int64_t id, bool is_quarantined,
    struct opened *opened_r)
{
	static const struct sealed_sink sink = { take_envelope, take_bytes };
	struct sealing_opener *opener = sealing_opener_new(seed);
	struct sealed_reader *reader;
	enum sealing_error error = SEALING_OK;
	struct size size = { .done = false };
	uint64_t octets = 0;
	struct part part;

	memset(opened_r, 0, sizeof(*opened_r));
	assert_non_null(opener);
	reader = sealed_reader_new(opener, &sink, opened_r);
	assert_non_null(reader);
	if (is_quarantined)
		store_sealed_quarantine_size(
		    fixture->store, id, take_size, &size);
	else
		store_sealed_size(fixture->store, id, take_size, &size);
	fixture_wait(fixture, &size.done);
	assert_int_equal(size.status, STORE_OK);
	for (uint32_t i = 0; error == SEALING_OK; i++) {
		part = (struct part){ .done = false };
		if (is_quarantined)
			store_sealed_quarantine_read(
			    fixture->store, id, i, take_part, &part);
		else
			store_sealed_read(
			    fixture->store, id, i, take_part, &part);
		fixture_wait(fixture, &part.done);
		assert_int_equal(part.status, STORE_OK);
		octets += part.length;
		if (part.length > 0)
			error =
			    sealed_reader_feed(reader, part.bytes, part.length);
		free(part.bytes);
		if (part.length == 0)
			break;
	}
	if (error == SEALING_OK) {
		assert_true(octets == size.octets);
		error = sealed_reader_finish(reader);
	}
	sealed_reader_free(&reader);
	sealing_opener_free(&opener);
	return error;
}

static enum sealing_error
open_error(struct fixture *fixture, int64_t id)
{
	struct opened opened;
	enum sealing_error error = open_of(fixture, id, false, &opened);

	free(opened.bytes);
	return error;
}

/* ---- what is searched for in the files ---- */

static unsigned char *
read_file(const char *path, size_t *length_r)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = NULL;
	long length;

	*length_r = 0;
	if (file == NULL)
		return NULL;
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	assert_true(length >= 0);
	rewind(file);
	bytes = malloc((size_t)length + 1);
	assert_non_null(bytes);
	*length_r = fread(bytes, 1, (size_t)length, file);
	fclose(file);
	return bytes;
}

static bool
files_hold(const struct fixture *fixture, const void *needle, size_t size)
{
	DIR *folder = opendir(fixture->folder);
	struct dirent *entry;
	bool found = false;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		char path[PATH_MAX];
		unsigned char *bytes;
		size_t length;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", fixture->folder,
		    entry->d_name);
		bytes = read_file(path, &length);
		found |= bytes != NULL &&
			 memmem(bytes, length, needle, size) != NULL;
		free(bytes);
	}
	closedir(folder);
	return found;
}

static bool
files_hold_text(const struct fixture *fixture, const char *text)
{
	return files_hold(fixture, text, strlen(text));
}

#define MESSAGE                                                           \
	"From: Ludmilla Zwetkow <ludmilla@example.org>\r\n"               \
	"To: Otto Katzenmeier <otto@example.org>\r\n"                     \
	"Cc: Pfannenstiel <pfanne@example.org>\r\n"                       \
	"Subject: Quittengelee\r\n"                                       \
	"Message-ID: <holunder@example.org>\r\n"                          \
	"Date: Mon, 01 Jan 2024 12:00:00 +0000\r\n"                       \
	"MIME-Version: 1.0\r\n"                                           \
	"Content-Type: multipart/mixed; boundary=rand\r\n\r\n"            \
	"--rand\r\nContent-Type: text/plain\r\n\r\n"                      \
	"Der Schluessel liegt unter der Fussmatte.\r\n"                   \
	"--rand\r\nContent-Type: application/pdf; name=Grundriss.pdf\r\n" \
	"Content-Disposition: attachment; filename=Grundriss.pdf\r\n\r\n" \
	"Kellertreppe\r\n--rand--\r\n"

static const char *const words[] = { "Ludmilla", "ludmilla", "Katzenmeier",
	"otto@", "Pfannenstiel", "pfanne", "Quittengelee", "quittengelee",
	"holunder", "Schluessel", "schluessel", "Fussmatte", "fussmatte",
	"Grundriss", "grundriss", "Kellertreppe", "kellertreppe", "2024" };

static void
expect_no_words(const struct fixture *fixture)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (files_hold_text(fixture, words[i]))
			fail_msg("a file holds \"%s\"", words[i]);
}

/* ---- tests ---- */

static void
put_in_steps(struct fixture *fixture, const char *id,
    const unsigned char *bytes, size_t length, size_t step,
    struct answer *answer)
{
	struct store_body_meta meta = fixture_meta(fixture, id);
	struct store_body *body = store_body_new(fixture->store, &meta);

	assert_non_null(body);
	for (size_t at = 0; at < length; at += step)
		(void)store_body_append(
		    body, bytes + at, step < length - at ? step : length - at);
	*answer = (struct answer){ .done = false };
	store_body_commit(body, answer_message, answer);
	fixture_wait(fixture, &answer->done);
	assert_int_equal(answer->status, STORE_OK);
}

static void
expect_opens(struct fixture *fixture, int64_t id, const unsigned char *bytes,
    size_t length)
{
	unsigned char plain[STORE_DIGEST_SIZE];
	struct store_digest *digest = store_digest_new();
	struct opened opened;

	assert_non_null(digest);
	store_digest_update(digest, bytes, length);
	store_digest_final(digest, plain);
	store_digest_free(digest);
	assert_int_equal(open_of(fixture, id, false, &opened), SEALING_OK);
	assert_int_equal(opened.length, length);
	assert_true(opened.octets == length);
	if (length > 0)
		assert_memory_equal(opened.bytes, bytes, length);
	assert_memory_equal(opened.digest, plain, sizeof(plain));
	assert_string_equal(opened.account, "home");
	free(opened.bytes);
}

static void
test_bodies(void **state)
{
	static const size_t lengths[] = { 0, 1, 2047, 2048, 16384, 16385,
		262143, 262144, 262145, 524288, 1000000 };
	static const char pattern[] = "words and \r\n";
	static unsigned char bytes[1000000];
	struct fixture *fixture = *state;

	for (int level = 0; level < 2; level++) {
		fixture_close(fixture);
		fixture->config.pack_level = level;
		fixture_open(fixture);
		for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]);
		     i++) {
			const size_t length = lengths[i / 2];
			struct answer answer;
			char id[32];

			for (size_t k = 0; k < length; k++)
				bytes[k] =
				    i % 2 == 0
					? (unsigned char)pattern[k % 12]
					: (unsigned char)((k * k * 31 >> 3) +
							  i);
			snprintf(id, sizeof(id), "%d-%zu", level, i);
			put_in_steps(fixture, id, bytes, length,
			    i % 3 == 0 ? 1000 : 100000, &answer);
			expect_opens(fixture, answer.id, bytes, length);
		}
	}
	assert_int_equal(fixture_check(fixture).problems, 0);
	fixture_expect(
	    fixture, "SELECT count(*) FROM chunk WHERE encoding < 2", 0);
	assert_true(fixture_integer(fixture,
			"SELECT count(*) FROM chunk WHERE encoding = 3") > 5);
}

/* Pieces that went to the writer before the body ended. */
static void
test_end_alone(void **state)
{
	static unsigned char bytes[600000];
	struct fixture *fixture = *state;
	struct answer answer;

	fixture_close(fixture);
	fixture->config.queue_octets = 1;
	fixture_open(fixture);
	memset(bytes, 'x', sizeof(bytes));
	put_in_steps(fixture, "one", bytes, sizeof(bytes), 1000, &answer);
	expect_opens(fixture, answer.id, bytes, sizeof(bytes));
	assert_int_equal(fixture_check(fixture).problems, 0);
}

/* What shares a transaction with one that fails is written a second time. */
static void
test_written_again(void **state)
{
	enum {
		REFUSED = 7
	};
	static const size_t lengths[] = { 300000, 100, REFUSED, 600000, 0 };
	static unsigned char bytes[600000];
	struct fixture *fixture = *state;
	struct answer answers[sizeof(lengths) / sizeof(lengths[0])];
	const size_t count = sizeof(lengths) / sizeof(lengths[0]);

	fixture_change(fixture,
	    "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN NEW.octets = 7"
	    " BEGIN SELECT RAISE(ABORT, 'no'); END");
	memset(bytes, 'm', sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		char id[8] = { (char)('a' + i) };
		struct store_body_meta meta = fixture_meta(fixture, id);
		struct store_body *body = store_body_new(fixture->store, &meta);

		assert_non_null(body);
		(void)store_body_append(body, bytes, lengths[i]);
		answers[i] = (struct answer){ .done = false };
		store_body_commit(body, answer_message, &answers[i]);
	}
	for (size_t i = 0; i < count; i++) {
		fixture_wait(fixture, &answers[i].done);
		if (lengths[i] == REFUSED)
			assert_int_equal(answers[i].status, STORE_DAMAGED);
		else
			expect_opens(fixture, answers[i].id, bytes, lengths[i]);
	}
	fixture_change(fixture, "DROP TRIGGER refuse");
	fixture_expect(fixture, "SELECT count(*) FROM sealed", 4);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
test_row_says_nothing(void **state)
{
	struct fixture *fixture = *state;
	int64_t id =
	    fixture_store(fixture, "one", MESSAGE, sizeof(MESSAGE) - 1);
	struct opened opened;
	struct found found;

	fixture_expect(fixture,
	    "SELECT count(*) FROM message WHERE sender IS NULL AND recipients"
	    " IS NULL AND cc IS NULL AND subject IS NULL AND header_id IS NULL"
	    " AND date_ms IS NULL AND attachments = 0",
	    1);
	fixture_expect(fixture, "SELECT sealed FROM v_message", 1);
	assert_int_equal(open_of(fixture, id, false, &opened), SEALING_OK);
	assert_string_equal(opened.subject, "Quittengelee");
	assert_string_equal(opened.names, "Grundriss.pdf");
	assert_true(opened.attachments == 1);
	free(opened.bytes);
	/* Who reads a message is told. */
	found = (struct found){ .done = false };
	store_body_read(fixture->store, id, 0, found_part, &found);
	fixture_wait(fixture, &found.done);
	assert_int_equal(found.status, STORE_SEALED);
	fixture_turn(fixture, 500);
	found = fixture_find(fixture, "Quittengelee");
	assert_int_equal(found.status, STORE_SEALED);
	assert_int_equal(found.count, 0);
	fixture_expect(fixture, "SELECT count(*) FROM sent", 0);
	fixture_expect(fixture, "SELECT count(*) FROM linked", 0);
	fixture_expect(fixture, "SELECT count(*) FROM fulltext_docsize", 0);
}

/* While it is written to, and after it was closed. */
static void
test_files_say_nothing(void **state)
{
	struct fixture *fixture = *state;
	static const char longer[] = MESSAGE;
	static char big[700000];
	int64_t id;

	for (size_t at = 0; at + sizeof(longer) < sizeof(big);
	     at += sizeof(longer) - 1)
		memcpy(big + at, longer, sizeof(longer) - 1);
	(void)fixture_store(fixture, "one", MESSAGE, sizeof(MESSAGE) - 1);
	id = fixture_store(fixture, "two", big, strlen(big));
	expect_no_words(fixture);
	assert_true(id > 0);
	fixture_turn(fixture, 2500);
	expect_no_words(fixture);
	fixture_close(fixture);
	expect_no_words(fixture);
}

/* With everything that the file has, and a guess that is right. */
static void
test_guess_is_not_confirmed(void **state)
{
	struct fixture *fixture = *state;
	struct store_digest *digest = store_digest_new();
	unsigned char plain[STORE_DIGEST_SIZE],
	    header[STORE_DIGEST_SHA256_SIZE];
	static const char message[] = MESSAGE;
	const size_t of_header =
	    (size_t)(strstr(message, "\r\n\r\n") + 2 - message);
	struct store_identity *identity = store_identity_new(fixture->account);
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body;
	struct answer answer = { .done = false };
	char hex[STORE_DIGEST_HEX];

	assert_non_null(digest);
	store_digest_update(digest, message, sizeof(message) - 1);
	store_digest_final(digest, plain);
	store_digest_free(digest);
	assert_true(store_digest_sha256(message, of_header, header));
	/* By its unique-id, by its bytes alone, and imported. */
	(void)fixture_store(fixture, "one", MESSAGE, sizeof(MESSAGE) - 1);
	meta.identity = identity;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	(void)store_body_append(
	    body, (const unsigned char *)message, sizeof(message) - 1);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	store_identity_free(&identity);
	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &meta.account_id),
	    STORE_OK);
	meta.identity = NULL;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	(void)store_body_append(
	    body, (const unsigned char *)message, sizeof(message) - 1);
	answer = (struct answer){ .done = false };
	store_body_import(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	fixture_expect(fixture, "SELECT count(*) FROM message", 3);
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid WHERE CAST(unique_id AS TEXT)"
	    " GLOB ' body-*'",
	    2);
	for (int round = 0; round < 2; round++) {
		assert_false(files_hold(fixture, plain, sizeof(plain)));
		assert_false(files_hold(fixture, plain, 8));
		assert_false(files_hold(fixture, header, sizeof(header)));
		assert_false(files_hold(fixture, header, 8));
		evpop_hex_encode(plain, sizeof(plain), hex);
		hex[16] = '\0';
		assert_false(files_hold_text(fixture, hex));
		evpop_hex_encode(header, sizeof(header), hex);
		hex[16] = '\0';
		assert_false(files_hold_text(fixture, hex));
		if (round == 0)
			fixture_close(fixture);
	}
}

static void
test_exchange_is_noticed(void **state)
{
	struct fixture *fixture = *state;
	static unsigned char bytes[700000];
	struct answer answer;
	int64_t one, two, three, elsewhere, account;

	memset(bytes, 'a', sizeof(bytes));
	one = fixture_store(fixture, "one", MESSAGE, sizeof(MESSAGE) - 1);
	two = fixture_store(fixture, "two", MESSAGE "x", sizeof(MESSAGE));
	put_in_steps(
	    fixture, "three", bytes, sizeof(bytes), sizeof(bytes), &answer);
	three = answer.id;
	assert_int_equal(open_error(fixture, one), SEALING_OK);
	assert_int_equal(open_error(fixture, two), SEALING_OK);
	assert_int_equal(open_error(fixture, three), SEALING_OK);

	/* Bodies of two messages. */
	fixture_change(fixture,
	    "UPDATE message SET body = (SELECT sum(body) FROM message"
	    " WHERE id IN (1, 2)) - body WHERE id IN (1, 2)");
	assert_int_not_equal(open_error(fixture, one), SEALING_OK);
	assert_int_equal(open_error(fixture, two), SEALING_OTHER_BODY);
	fixture_change(fixture,
	    "UPDATE message SET body = (SELECT sum(body) FROM message"
	    " WHERE id IN (1, 2)) - body WHERE id IN (1, 2)");
	/* And what seals them. */
	fixture_change(fixture,
	    "UPDATE message SET body = (SELECT sum(body) FROM message"
	    " WHERE id IN (1, 2)) - body WHERE id IN (1, 2);"
	    "UPDATE sealed SET message = -message WHERE message IN (1, 2);"
	    "UPDATE sealed SET message = 3 + message WHERE message < 0");
	assert_int_equal(open_error(fixture, one), SEALING_OTHER_MESSAGE);
	assert_int_equal(open_error(fixture, two), SEALING_OTHER_MESSAGE);
	fixture_change(fixture,
	    "UPDATE message SET body = (SELECT sum(body) FROM message"
	    " WHERE id IN (1, 2)) - body WHERE id IN (1, 2);"
	    "UPDATE sealed SET message = -message WHERE message IN (1, 2);"
	    "UPDATE sealed SET message = 3 + message WHERE message < 0");
	assert_int_equal(open_error(fixture, one), SEALING_OK);

	/* A message is put into another account. */
	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &account), STORE_OK);
	fixture_change(fixture,
	    "UPDATE message SET account = (SELECT id FROM account"
	    " WHERE name = 'other') WHERE id = 1");
	elsewhere = one;
	assert_int_equal(open_error(fixture, elsewhere), SEALING_OTHER_ACCOUNT);

	/* Pieces in another order; the last one is missing. */
	fixture_change(fixture,
	    "UPDATE chunk SET data = (SELECT other.data FROM chunk AS other"
	    " WHERE other.id = (SELECT body * 1048576 + 1 FROM message"
	    " WHERE id = 3)) WHERE id = (SELECT body * 1048576 FROM message"
	    " WHERE id = 3)");
	assert_int_equal(open_error(fixture, three), SEALING_PIECE_CHANGED);
	put_in_steps(
	    fixture, "four", bytes, sizeof(bytes), sizeof(bytes), &answer);
	fixture_change(fixture,
	    "DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk)");
	assert_int_equal(open_error(fixture, answer.id), SEALING_CUT);
	assert_true(fixture_check(fixture).problems > 0);
}

static enum store_taken
put_again(struct fixture *fixture, const char *id, const char *text)
{
	struct answer answer;

	put_in_steps(fixture, id, (const unsigned char *)text, strlen(text),
	    700, &answer);
	return answer.taken;
}

static void
test_recognises_without_reading(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change gone = { .unique_id =
					     (const unsigned char *)"one",
		.unique_id_length = 3,
		.state = STORE_UID_GONE };
	struct answer answer = { .done = false };
	struct store_identity *identity;
	struct store_body_meta meta;
	struct store_body *body;

	assert_int_equal(put_again(fixture, "one", MESSAGE), STORE_TAKEN_NEW);
	assert_int_equal(put_again(fixture, "one", MESSAGE), STORE_TAKEN_KNOWN);
	/* Lines that servers add. */
	assert_int_equal(
	    put_again(fixture, "one", "Status: RO\r\nX-UID: 5\r\n" MESSAGE),
	    STORE_TAKEN_KNOWN);
	/* Another message with its header. */
	assert_int_equal(
	    put_again(fixture, "one", MESSAGE "and more"), STORE_TAKEN_NEW);
	assert_int_equal(put_again(fixture, "one", MESSAGE), STORE_TAKEN_NEW);
	/* It comes with another id. */
	store_uids_change(
	    fixture->store, fixture->account, &gone, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	identity = store_identity_new(fixture->account);
	meta = fixture_meta(fixture, "another");
	meta.identity = identity;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	(void)store_body_append(
	    body, (const unsigned char *)MESSAGE, sizeof(MESSAGE) - 1);
	answer = (struct answer){ .done = false };
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.taken, STORE_TAKEN_ADOPTED);
	store_identity_free(&identity);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

/* What the row of a sealed message says is what a plain one comes to. */
static void
test_digest_that_stays(void **state)
{
	static const char *const texts[] = { "", "\n", "\r\n", "a", "\r",
		"A: b\r\n\r\nc", "A: b\n\nc\r\n", "A: b\r\n", "A: b",
		"A: b\r\n\r", "A: b\n\r\nStatus: x\r\n\r\n", "\r\nA: b",
		MESSAGE };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t step = 1; step < 4; step++) {
			struct store_digest *plain = store_digest_new();
			struct store_same_digest *same =
			    store_same_digest_new(STORE_SAME_ALWAYS);
			unsigned char wanted[STORE_DIGEST_SIZE];
			unsigned char found[STORE_DIGEST_SIZE];
			const size_t length = strlen(texts[i]);

			assert_non_null(plain);
			assert_non_null(same);
			store_digest_update(plain, texts[i], length);
			store_digest_final(plain, wanted);
			for (size_t at = 0; at < length; at += step)
				store_same_digest_feed(same, texts[i] + at,
				    step < length - at ? step : length - at);
			assert_true(store_same_digest_finish(same, found));
			assert_memory_equal(found, wanted, sizeof(found));
			store_digest_free(plain);
			store_same_digest_free(same);
		}
}

static enum store_taken
import(struct fixture *fixture, const char *text)
{
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body = store_body_new(fixture->store, &meta);
	struct answer answer = { .done = false };

	assert_non_null(body);
	(void)store_body_append(
	    body, (const unsigned char *)text, strlen(text));
	store_body_import(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	return answer.taken;
}

static void
test_imports(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(import(fixture, MESSAGE), STORE_TAKEN_NEW);
	assert_int_equal(import(fixture, MESSAGE), STORE_TAKEN_KNOWN);
	assert_int_equal(import(fixture, "no header"), STORE_TAKEN_NEW);
	assert_int_equal(import(fixture, "no header"), STORE_TAKEN_KNOWN);
	fixture_expect(fixture, "SELECT count(*) FROM sealed", 2);
	expect_no_words(fixture);
}

static void
fail_on(struct fixture *fixture, const char *id, const char *text)
{
	struct store_failure failure = {
		.account_id = fixture->account,
		.unique_id = (const unsigned char *)id,
		.unique_id_length = strlen(id),
		.reason = "It failed.",
		.transcript = "S: +OK\nC: RETR 1\nS: Subject: Quittengelee",
		.attempts_most = 1,
		.end = STORE_FAILED_QUARANTINED,
	};
	struct store_body_meta meta = fixture_meta(fixture, id);
	int64_t before =
	    fixture_integer(fixture, "SELECT count(*) FROM quarantine");

	if (text != NULL) {
		failure.body = store_body_new(fixture->store, &meta);
		assert_non_null(failure.body);
		(void)store_body_append(
		    failure.body, (const unsigned char *)text, strlen(text));
	}
	store_failure(fixture->store, &failure, NULL, NULL);
	while (fixture_integer(fixture, "SELECT count(*) FROM quarantine") ==
	       before)
		fixture_turn(fixture, 5);
}

static void
released(enum store_status status, const struct store_released *accounts,
    size_t count, void *arg)
{
	(void)accounts;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	*(bool *)arg = true;
}

static void
test_quarantine(void **state)
{
	struct fixture *fixture = *state;
	struct opened opened;
	bool done = false;

	fail_on(fixture, "one", MESSAGE);
	fail_on(fixture, "two", NULL);
	fixture_expect(fixture,
	    "SELECT count(*) FROM quarantine WHERE transcript IS NULL", 2);
	assert_int_equal(open_of(fixture, 1, true, &opened), SEALING_OK);
	assert_int_equal(opened.length, sizeof(MESSAGE) - 1);
	assert_memory_equal(opened.bytes, MESSAGE, opened.length);
	assert_non_null(strstr(opened.transcript, "Quittengelee"));
	free(opened.bytes);
	assert_int_equal(open_of(fixture, 2, true, &opened), SEALING_OK);
	assert_int_equal(opened.length, 0);
	assert_non_null(strstr(opened.transcript, "Quittengelee"));
	expect_no_words(fixture);
	assert_int_equal(fixture_check(fixture).problems, 0);
	store_quarantine_release_all(fixture->store, NULL, released, &done);
	fixture_wait(fixture, &done);
	fixture_expect(fixture, "SELECT count(*) FROM sealed_quarantine", 0);
}

/* ---- mail that was there before ---- */

static void
reopen(struct fixture *fixture)
{
	fixture_close(fixture);
	fixture_open(fixture);
}

/* The unique-id that a server without any gets for this digest of a header. */
static void
name_by_top(
    const char *before, unsigned char octet, bool is_keyed, char *name_r)
{
	unsigned char digest[STORE_DIGEST_SIZE];
	struct store_digest_key *key = store_digest_key_new(digest_key);
	char hex[STORE_DIGEST_HEX];

	assert_non_null(key);
	memset(digest, octet, sizeof(digest));
	if (is_keyed)
		store_digest_apply_key(key, digest);
	store_digest_key_free(key);
	evpop_hex_encode(digest, sizeof(digest), hex);
	sprintf(name_r, "%s top-%s-123", before, hex);
}

static void
test_ids_that_are_digests(void **state)
{
	struct fixture *fixture = *state;
	static const char *const before[] = { "", " was-0123456789abcdef-0-" };
	char name[256], content[16];

	fixture_open(fixture);
	for (unsigned char i = 0; i < 100; i++) {
		name_by_top(before[i % 2], i, false, name);
		sprintf(content, "mail %d", i);
		assert_int_equal(
		    put_again(fixture, name, content), STORE_TAKEN_NEW);
	}
	assert_int_equal(
	    put_again(fixture, " was-0123456789abcdef-0-plain", "plain"),
	    STORE_TAKEN_NEW);
	/* A message has the id that it came with. */
	fixture_change(fixture,
	    "UPDATE message SET unique_id = substr(unique_id, 25)"
	    " WHERE CAST(unique_id AS TEXT) GLOB ' was-*'");
	seal(fixture);
	reopen(fixture);
	for (unsigned char i = 0; i < 100; i++) {
		name_by_top("", i, false, name);
		assert_false(files_hold_text(fixture, name));
		sprintf(content, "mail %d", i);
		name_by_top(before[i % 2], i, true, name);
		assert_int_equal(
		    put_again(fixture, name, content), STORE_TAKEN_KNOWN);
	}
	assert_int_equal(
	    put_again(fixture, " was-0123456789abcdef-0-plain", "plain"),
	    STORE_TAKEN_KNOWN);
	fixture_expect(fixture, "SELECT count(*) FROM message", 101);
}

static void
test_turning_it_on(void **state)
{
	struct fixture *fixture = *state;
	struct store_identity *identity;
	struct store_body_meta meta;
	struct store_body *body;
	struct answer answer;
	size_t length;
	unsigned char *bytes;

	fixture_open(fixture);
	assert_int_equal(put_again(fixture, "one", MESSAGE), STORE_TAKEN_NEW);
	assert_int_equal(
	    put_again(fixture, "one", MESSAGE "2"), STORE_TAKEN_NEW);
	assert_int_equal(import(fixture, MESSAGE "3"), STORE_TAKEN_NEW);
	for (int round = 0; round < 2; round++) {
		meta = fixture_meta(fixture, NULL);
		meta.identity = identity = store_identity_new(fixture->account);
		body = store_body_new(fixture->store, &meta);
		assert_non_null(body);
		(void)store_body_append(body, (const unsigned char *)"4", 1);
		answer = (struct answer){ .done = false };
		store_body_commit(body, answer_message, &answer);
		fixture_wait(fixture, &answer.done);
		assert_int_equal(answer.taken,
		    round == 0 ? STORE_TAKEN_NEW : STORE_TAKEN_KNOWN);
		store_identity_free(&identity);
		if (round == 1)
			break;
		seal(fixture);
		reopen(fixture);
		fixture_expect(fixture,
		    "SELECT count(*) FROM meta WHERE key GLOB 'keying*'", 0);
		fixture_expect(fixture,
		    "SELECT count(*) FROM uid WHERE CAST(unique_id AS TEXT)"
		    " GLOB ' body-*'",
		    3);
	}
	/* It is served as before, and recognised. */
	assert_int_equal(fixture_check(fixture).problems, 0);
	bytes = fixture_read(fixture, 1, &length);
	assert_int_equal(length, sizeof(MESSAGE) - 1);
	assert_memory_equal(bytes, MESSAGE, length);
	free(bytes);
	assert_int_equal(
	    put_again(fixture, "one", MESSAGE "2"), STORE_TAKEN_KNOWN);
	assert_int_equal(
	    put_again(fixture, "one", "Status: RO\r\n" MESSAGE "2"),
	    STORE_TAKEN_KNOWN);
	assert_int_equal(import(fixture, MESSAGE "3"), STORE_TAKEN_KNOWN);
	assert_int_equal(import(fixture, MESSAGE), STORE_TAKEN_KNOWN);
	fixture_expect(fixture, "SELECT count(*) FROM sealed", 0);
	/* New mail is sealed; with seal_to gone it is recognised, too. */
	assert_int_equal(
	    put_again(fixture, "new", MESSAGE "5"), STORE_TAKEN_NEW);
	fixture_expect(fixture, "SELECT count(*) FROM sealed", 1);
	fixture->config.seal_to = NULL;
	reopen(fixture);
	assert_int_equal(
	    put_again(fixture, "new", "Status: RO\r\n" MESSAGE "5"),
	    STORE_TAKEN_KNOWN);
	assert_int_equal(import(fixture, MESSAGE "5"), STORE_TAKEN_KNOWN);
	assert_int_equal(
	    put_again(fixture, "plain", MESSAGE "6"), STORE_TAKEN_NEW);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
expect_refused(struct fixture *fixture, const char *words_of_it)
{
	struct store_error error;
	struct store *store;

	assert_int_equal(
	    store_open(&store, &fixture->config, fixture->base, &error),
	    STORE_NO_KEY);
	assert_null(store);
	assert_non_null(strstr(error.text, words_of_it));
	assert_non_null(strstr(error.text, "key_file"));
}

static void
test_key_of_the_daemon(void **state)
{
	struct fixture *fixture = *state;

	/* A key alone changes nothing. */
	fixture->config.digest_key = other_key;
	fixture_open(fixture);
	fixture_close(fixture);
	seal(fixture);
	fixture_open(fixture);
	assert_true(store_is_keyed(fixture->store));
	fixture_close(fixture);
	fixture->config.digest_key = NULL;
	fixture->config.seal_to = NULL;
	expect_refused(fixture, "has no key");
	fixture->config.digest_key = other_key;
	expect_refused(fixture, "another key");
	fixture->config.reads_only = true;
	fixture->config.digest_key = NULL;
	{
		struct store_error error;
		struct store *store;

		assert_int_equal(
		    store_open(&store, &fixture->config, fixture->base, &error),
		    STORE_OK);
		store_close(&store);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEALED_TEST(test_bodies),
		SEALED_TEST(test_end_alone),
		SEALED_TEST(test_written_again),
		SEALED_TEST(test_row_says_nothing),
		SEALED_TEST(test_files_say_nothing),
		SEALED_TEST(test_guess_is_not_confirmed),
		SEALED_TEST(test_exchange_is_noticed),
		SEALED_TEST(test_recognises_without_reading),
		SEALED_TEST(test_imports),
		cmocka_unit_test(test_digest_that_stays),
		SEALED_TEST(test_quarantine),
		SEALED_TEST_FOLDER(test_turning_it_on),
		SEALED_TEST_FOLDER(test_ids_that_are_digests),
		SEALED_TEST_FOLDER(test_key_of_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
