/*
 * What stands in files of keys, and sealed passwords: any input is a key or
 * refused with a reason, and a password that is sealed opens again whatever it
 * is, but not when it was changed.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/key.h"
#include "daemon/secret/line.h"
#include "daemon/secret/sealed.h"
#include "daemon/secret/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A reason is text for people, and names the file. */
static void
read_key(const uint8_t *data, size_t size)
{
	char error[SECRET_KEY_ERROR] = "", path[32];
	int fd = memfd_create("key", MFD_CLOEXEC);
	bool needs_passphrase = true;
	struct secret_key *key;

	assert(fd >= 0 && fchmod(fd, 0600) == 0);
	assert(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* Without a passphrase: to try one takes long. */
	key = secret_key_read(
	    path, NULL, &needs_passphrase, error, sizeof(error));
	assert((key == NULL) == (strncmp(error, path, strlen(path)) == 0));
	assert(key == NULL || !needs_passphrase);
	secret_key_free(&key);
	(void)close(fd);
}

static void
read_public(const char *text)
{
	unsigned char public[SECRET_KEY_SIZE];
	char again[SECRET_PUBLIC_TEXT];

	if (!secret_public_parse(text, public))
		return;
	secret_public_text(public, again);
	assert(strcmp(again, text) == 0);
}

/* The first octet says where the account's name ends and the password begins.
 */
static void
seal_and_open(
    const struct secret_key *key, const char *text, size_t size, size_t split)
{
	const struct secret_bearer bearer = { .name = "anna", .id = "" };
	char error[SECRET_ERROR_SIZE] = "", *sealed, *name;
	struct secret *password, *opened;
	size_t place;

	if (split > size)
		split = size;
	name = strndup(text, split);
	password = secret_new(text + split, size - split);
	assert(name != NULL && password != NULL);
	sealed = secret_seal(key, password, name);
	if (sealed != NULL) {
		opened = secret_unseal(key, sealed,
		    &(struct secret_bearer){ .name = name }, error,
		    sizeof(error));
		/* A password of several lines is its first one. */
		assert(opened == NULL
			   ? *error != '\0'
			   : secret_length(opened) <= secret_length(password));
		secret_free(&opened);
		place = strlen(sealed) * (split % 16) / 16;
		sealed[place] = sealed[place] == 'A' ? 'B' : 'A';
		assert(secret_unseal(
			   key, sealed, &bearer, error, sizeof(error)) == NULL);
	}
	secret_free(&password);
	free(sealed);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key *key;
	const struct secret_bearer bearer = { .name = "anna", .id = "" };
	char error[SECRET_ERROR_SIZE] = "", *text;

	if (key == NULL) {
		assert(secret_init());
		key = secret_key_generate();
		assert(key != NULL);
	}
	if (size == 0)
		return 0;
	text = calloc(1, size);
	assert(text != NULL);
	memcpy(text, data + 1, size - 1);
	read_key(data + 1, size - 1);
	read_public(text);
	/* Only with the key itself could it be one that opens. */
	assert(secret_unseal(key, text, &bearer, error, sizeof(error)) == NULL);
	assert(strncmp(error, "password_sealed", 15) == 0);
	seal_and_open(key, text, size - 1, data[0]);
	free(text);
	return 0;
}
