#include "maildrop.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

/* One maildrop's part that outlives a session. */
struct lasting {
	unsigned char
	    *forgotten; /* a bit for each synthetic message, or NULL */
	bool locked;
};

/* Folders come first, then the accounts of each --synthetic in turn. */
struct maildrops {
	const struct options *options;
	struct lasting *lasting;
	size_t count;
};

struct maildrops *
maildrops_new(const struct options *options)
{
	struct maildrops *maildrops = calloc(1, sizeof *maildrops);

	if (maildrops == NULL)
		return NULL;
	maildrops->options = options;
	maildrops->count = options->folder_count;
	for (size_t i = 0; i < options->synthetic_count; i++)
		maildrops->count += options->synthetics[i].accounts;
	maildrops->lasting =
	    calloc(maildrops->count, sizeof *maildrops->lasting);
	if (maildrops->lasting == NULL) {
		free(maildrops);
		return NULL;
	}
	return maildrops;
}

void
maildrops_free(struct maildrops *maildrops)
{
	if (maildrops == NULL)
		return;
	for (size_t i = 0; i < maildrops->count; i++)
		free(maildrops->lasting[i].forgotten);
	free(maildrops->lasting);
	free(maildrops);
}

/* The number after PREFIX in USER, or 0 when USER is none of its accounts. */
static uint32_t
synthetic_number(const struct synthetic_option *synthetic, const char *user)
{
	size_t length = strlen(synthetic->prefix);
	const char *digits = user + length;
	uint64_t number = 0;

	if (strncmp(user, synthetic->prefix, length) != 0 || *digits < '1' ||
	    *digits > '9' || strlen(digits) > 8)
		return 0;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9')
			return 0;
		number = number * 10 + (uint64_t)(*digits - '0');
	}
	return number <= synthetic->accounts ? (uint32_t)number : 0;
}

/* Finds who USER is.  Returns the expected password, or NULL. */
static const char *
find_user(struct maildrops *maildrops, const char *user, struct maildrop *found)
{
	const struct options *options = maildrops->options;
	size_t base = options->folder_count;

	for (size_t i = 0; i < options->folder_count; i++) {
		if (strcmp(options->folders[i].user, user) == 0) {
			found->folder = &options->folders[i];
			found->lock = i;
			return found->folder->password;
		}
	}
	for (size_t i = 0; i < options->synthetic_count; i++) {
		const struct synthetic_option *synthetic =
		    &options->synthetics[i];
		uint32_t number = synthetic_number(synthetic, user);

		if (number > 0) {
			found->synthetic = synthetic;
			found->lock = base + number - 1;
			return synthetic->password;
		}
		base += synthetic->accounts;
	}
	return NULL;
}

static int
list_synthetic(struct maildrop *maildrop)
{
	const struct synthetic_option *synthetic = maildrop->synthetic;
	const unsigned char *forgotten =
	    maildrop->owner->lasting[maildrop->lock].forgotten;

	maildrop->messages =
	    calloc(synthetic->messages + 1, sizeof *maildrop->messages);
	if (maildrop->messages == NULL)
		return -1;
	for (uint32_t serial = 1; serial <= synthetic->messages; serial++) {
		struct maildrop_message *message;

		if (forgotten != NULL &&
		    (forgotten[serial / 8] & (1 << serial % 8)) != 0)
			continue;
		message = &maildrop->messages[maildrop->message_count++];
		message->serial = serial;
		message->size = body_synthetic_size(maildrop->user, serial,
		    synthetic->mean_size,
		    !maildrop->owner->options->no_empty_line);
	}
	return 0;
}

static char *
join_path(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) == -1 ? NULL : path;
}

/* Measures one file.  Returns 0, 1 for what is no message, -1 for an error. */
static int
measure_file(
    const struct maildrop *maildrop, const char *name, uint64_t *size_r)
{
	char *path = join_path(maildrop->folder->folder, name);
	struct stat status;
	int result = 1;

	if (path == NULL)
		return -1;
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
		result = body_file_size(path, maildrop->crlf, size_r);
		if (result == -1 && errno == ENOENT)
			result = 1;
	}
	free(path);
	return result;
}

static int
not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
by_name(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int
list_folder(struct maildrop *maildrop)
{
	struct dirent **entries;
	int count, result = 0;

	count =
	    scandir(maildrop->folder->folder, &entries, not_hidden, by_name);
	if (count == -1)
		return -1;
	maildrop->messages =
	    calloc((size_t)count + 1, sizeof *maildrop->messages);
	if (maildrop->messages == NULL)
		result = -1;
	for (int i = 0; i < count; i++) {
		struct maildrop_message *message;
		uint64_t size = 0;
		int measured = 1;

		if (result == 0)
			measured =
			    measure_file(maildrop, entries[i]->d_name, &size);
		if (measured == 0) {
			message =
			    &maildrop->messages[maildrop->message_count++];
			message->size = size;
			message->name = strdup(entries[i]->d_name);
			measured = message->name == NULL ? -1 : 0;
		}
		if (measured == -1)
			result = -1;
		free(entries[i]);
	}
	free(entries);
	return result;
}

enum maildrop_outcome
maildrop_open(struct maildrops *maildrops, const char *user,
    const char *password, struct maildrop **maildrop_r)
{
	struct maildrop *maildrop = calloc(1, sizeof *maildrop);
	const char *expected;
	int result;

	if (maildrop == NULL)
		return MAILDROP_BROKEN;
	expected = find_user(maildrops, user, maildrop);
	if (expected == NULL || strcmp(expected, password) != 0) {
		free(maildrop);
		return MAILDROP_REFUSED;
	}
	if (maildrops->lasting[maildrop->lock].locked) {
		free(maildrop);
		return MAILDROP_IN_USE;
	}
	maildrops->lasting[maildrop->lock].locked = true;
	maildrop->owner = maildrops;
	maildrop->crlf = maildrops->options->crlf;
	maildrop->user = strdup(user);
	if (maildrop->user == NULL)
		result = -1;
	else if (maildrop->folder != NULL)
		result = list_folder(maildrop);
	else
		result = list_synthetic(maildrop);
	if (result == -1) {
		fprintf(stderr, "maildropd: maildrop of %s: %s\n", user,
		    strerror(errno));
		maildrop_close(maildrop);
		return MAILDROP_BROKEN;
	}
	*maildrop_r = maildrop;
	return MAILDROP_OPENED;
}

void
maildrop_close(struct maildrop *maildrop)
{
	if (maildrop == NULL)
		return;
	maildrop->owner->lasting[maildrop->lock].locked = false;
	for (size_t i = 0; i < maildrop->message_count; i++)
		free(maildrop->messages[i].name);
	free(maildrop->messages);
	free(maildrop->user);
	free(maildrop);
}

/* Returns 0 when the message is gone, whoever removed it. */
static int
remove_message(
    struct maildrop *maildrop, const struct maildrop_message *message)
{
	struct lasting *lasting = &maildrop->owner->lasting[maildrop->lock];
	int result;

	if (message->name != NULL) {
		char *path = join_path(maildrop->folder->folder, message->name);

		if (path == NULL)
			return -1;
		result = unlink(path) == 0 || errno == ENOENT ? 0 : -1;
		free(path);
		return result;
	}
	if (lasting->forgotten == NULL) {
		lasting->forgotten =
		    calloc(maildrop->synthetic->messages / 8 + 1, 1);
		if (lasting->forgotten == NULL)
			return -1;
	}
	lasting->forgotten[message->serial / 8] |=
	    (unsigned char)(1 << message->serial % 8);
	return 0;
}

size_t
maildrop_update(struct maildrop *maildrop, size_t *removed_r)
{
	size_t failed = 0;

	*removed_r = 0;
	for (size_t i = 0; i < maildrop->message_count; i++) {
		if (!maildrop->messages[i].deleted)
			continue;
		if (remove_message(maildrop, &maildrop->messages[i]) == 0)
			(*removed_r)++;
		else
			failed++;
	}
	return failed;
}

/* A name may serve as unique-id when it is short and all of it prints. */
static bool
name_serves(const char *prefix, const char *name)
{
	if (strlen(prefix) + strlen(name) >= MAILDROP_UNIQUE_ID_SIZE)
		return false;
	for (; *name != '\0'; name++) {
		if (*name < 0x21 || *name > 0x7e)
			return false;
	}
	return true;
}

void
maildrop_unique_id(const struct maildrop *maildrop,
    const struct maildrop_message *message,
    char unique_id[static MAILDROP_UNIQUE_ID_SIZE])
{
	const char *prefix = maildrop->owner->options->uid_prefix;
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	char *at = stpcpy(unique_id, prefix);

	if (message->name == NULL)
		snprintf(at, 18, "%08" PRIx32 ".%08" PRIx32,
		    body_hash(maildrop->user, 0), message->serial);
	else if (name_serves(prefix, message->name))
		strcpy(at, message->name);
	else {
		(void)EVP_Digest(message->name, strlen(message->name), digest,
		    NULL, EVP_sha256(), NULL);
		for (int i = 0; i < 10; i++)
			at += snprintf(at, 3, "%02x", digest[i]);
	}
}

int
maildrop_open_body(const struct maildrop *maildrop,
    const struct maildrop_message *message, struct body *body)
{
	char *path;
	int result;

	if (message->name == NULL) {
		body_make_synthetic(body, maildrop->user, message->serial,
		    maildrop->synthetic->mean_size,
		    !maildrop->owner->options->no_empty_line);
		return 0;
	}
	path = join_path(maildrop->folder->folder, message->name);
	if (path == NULL)
		return -1;
	result = body_open_file(body, path);
	free(path);
	return result;
}
