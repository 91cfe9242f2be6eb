#include "daemon/secret/key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/base64.h"
#include "daemon/secret/file.h"
#include "daemon/secret/sealing.h"
#include "daemon/secret/secret.h"
#include "lib/base/text.h"

#define PLAIN_MARK        "evpop-secret-1:"
#define PASSPHRASE_MARK   "evpop-secret-argon2id-1:"
#define PUBLIC_MARK       "evpop-public-1:"
#define MARK_LENGTH(mark) (sizeof(mark) - 1)

/* Tells our derived keys from those that others derive. */
#define KDF_CONTEXT "evpopkey"

/*
 * What a guess of the passphrase costs: about a second of a core, and memory
 * that makes graphics cards a poor choice for it.
 */
#define PASSES       crypto_pwhash_OPSLIMIT_MODERATE
#define MEMORY_BYTES crypto_pwhash_MEMLIMIT_MODERATE
/* A file may ask for more than we write, but not for all that there is. */
#define PASSES_MOST    UINT64_C(64)
#define KIBIBYTES_MOST UINT64_C(4194304)

_Static_assert(SECRET_KEY_SIZE == crypto_kdf_KEYBYTES, "a master key");
_Static_assert(SECRET_KEY_SIZE == crypto_box_SEEDBYTES, "a seed");
_Static_assert(SECRET_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "a public half");
_Static_assert(SECRET_KEY_SIZE == crypto_box_SECRETKEYBYTES, "a secret half");
_Static_assert(SECRET_KEY_SIZE == crypto_secretbox_KEYBYTES, "a box's key");
_Static_assert(SECRET_KEY_ID_SIZE == SEALING_RECIPIENT_SIZE, "one name of it");
_Static_assert(SECRET_PUBLIC_TEXT ==
		   sizeof(PUBLIC_MARK) + SECRET_BASE64_LENGTH(SECRET_KEY_SIZE),
    "a public half as text");
_Static_assert(sizeof(KDF_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "a context");

struct secret_key {
	unsigned char octets[SECRET_KEY_SIZE];
	/* Derived, once: a multiplication on the curve takes long. */
	unsigned char public[SECRET_KEY_SIZE], id[SECRET_KEY_ID_SIZE];
	unsigned others; /* who hold it as well */
};

/* A key under a passphrase. */
struct sealed_key {
	unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char nonce[crypto_secretbox_NONCEBYTES];
	unsigned char box[SECRET_KEY_SIZE + crypto_secretbox_MACBYTES];
};
_Static_assert(sizeof(struct sealed_key) == 16 + 24 + 48, "no gaps");

/* Zeroed; NULL without memory. */
static struct secret_key *
key_new(void)
{
	struct secret_key *key = sodium_malloc(sizeof(*key));

	if (key != NULL)
		sodium_memzero(key, sizeof(*key));
	return key;
}

/* All else of a key whose octets are there; nothing changes it any more. */
static void
key_complete(struct secret_key *key)
{
	unsigned char secret[SECRET_KEY_SIZE];

	secret_key_pair(key, key->public, secret);
	sodium_memzero(secret, sizeof(secret));
	sealing_recipient_of(key->public, key->id);
	(void)sodium_mprotect_readonly(key);
}

struct secret_key *
secret_key_generate(void)
{
	struct secret_key *key = key_new();

	if (key != NULL) {
		randombytes_buf(key->octets, sizeof(key->octets));
		key_complete(key);
	}
	return key;
}

/* All else of a key stays as it is. */
static void
key_count(struct secret_key *key, unsigned others)
{
	(void)sodium_mprotect_readwrite(key);
	key->others = others;
	(void)sodium_mprotect_readonly(key);
}

void
secret_key_free(struct secret_key **key_p)
{
	struct secret_key *key = *key_p;

	*key_p = NULL;
	if (key != NULL && key->others > 0)
		key_count(key, key->others - 1);
	else
		sodium_free(key); /* wipes */
}

struct secret_key *
secret_key_hold(const struct secret_key *shared)
{
	struct secret_key *key = (struct secret_key *)(uintptr_t)shared;

	if (key != NULL)
		key_count(key, key->others + 1);
	return key;
}

void
secret_key_derive(const struct secret_key *key, enum secret_key_use use,
    unsigned char derived[SECRET_KEY_SIZE])
{
	(void)crypto_kdf_derive_from_key(
	    derived, SECRET_KEY_SIZE, (uint64_t)use, KDF_CONTEXT, key->octets);
}

void
secret_key_pair(const struct secret_key *key,
    unsigned char public[SECRET_KEY_SIZE],
    unsigned char secret[SECRET_KEY_SIZE])
{
	unsigned char seed[SECRET_KEY_SIZE];

	secret_key_derive(key, SECRET_KEY_MAIL, seed);
	(void)crypto_box_seed_keypair(public, secret, seed);
	sodium_memzero(seed, sizeof(seed));
}

void
secret_key_public(
    const struct secret_key *key, unsigned char public[SECRET_KEY_SIZE])
{
	memcpy(public, key->public, SECRET_KEY_SIZE);
}

void
secret_key_id(
    const struct secret_key *key, unsigned char id[SECRET_KEY_ID_SIZE])
{
	memcpy(id, key->id, SECRET_KEY_ID_SIZE);
}

/* Exactly so many octets in all of the text. */
static bool
base64_parse(const char *text, size_t length, void *octets, size_t size)
{
	size_t got;

	return secret_base64_decode(text, length, octets, size, &got) &&
	       got == size;
}

void
secret_public_text(
    const unsigned char public[SECRET_KEY_SIZE], char text[SECRET_PUBLIC_TEXT])
{
	memcpy(text, PUBLIC_MARK, MARK_LENGTH(PUBLIC_MARK));
	secret_base64_encode(
	    public, SECRET_KEY_SIZE, text + MARK_LENGTH(PUBLIC_MARK));
}

bool
secret_public_parse(const char *text, unsigned char public[SECRET_KEY_SIZE])
{
	const size_t mark = MARK_LENGTH(PUBLIC_MARK);

	return strncmp(text, PUBLIC_MARK, mark) == 0 &&
	       base64_parse(
		   text + mark, strlen(text + mark), public, SECRET_KEY_SIZE);
}

/* ---- passphrases ---- */

/* What a passphrase comes to; false without memory.  The caller wipes it. */
static bool
passphrase_stretch(const struct secret *passphrase,
    const unsigned char salt[crypto_pwhash_SALTBYTES], uint64_t passes,
    size_t memory, unsigned char stretched[SECRET_KEY_SIZE])
{
	return crypto_pwhash(stretched, SECRET_KEY_SIZE,
		   secret_text(passphrase), secret_length(passphrase), salt,
		   passes, memory, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static bool
key_seal(const struct secret_key *key, const struct secret *passphrase,
    struct sealed_key *sealed)
{
	unsigned char stretched[SECRET_KEY_SIZE];
	bool done;

	randombytes_buf(sealed->salt, sizeof(sealed->salt));
	randombytes_buf(sealed->nonce, sizeof(sealed->nonce));
	done = passphrase_stretch(
	    passphrase, sealed->salt, PASSES, MEMORY_BYTES, stretched);
	if (done)
		(void)crypto_secretbox_easy(sealed->box, key->octets,
		    sizeof(key->octets), sealed->nonce, stretched);
	sodium_memzero(stretched, sizeof(stretched));
	return done;
}

/* The reason why it does not open, or NULL. */
static const char *
key_open(struct secret_key *key, const struct secret *passphrase,
    const struct sealed_key *sealed, uint64_t passes, size_t memory)
{
	unsigned char stretched[SECRET_KEY_SIZE];
	bool done;

	if (!passphrase_stretch(
		passphrase, sealed->salt, passes, memory, stretched))
		return "not enough memory to try the passphrase";
	done = crypto_secretbox_open_easy(key->octets, sealed->box,
		   sizeof(sealed->box), sealed->nonce, stretched) == 0;
	sodium_memzero(stretched, sizeof(stretched));
	return done ? NULL : "the passphrase is wrong, or the file is damaged";
}

/* ---- reading ---- */

/* A number of a key under a passphrase, and the colon behind it. */
static const char *
number_parse(
    const char *text, uint64_t least, uint64_t most, uint64_t *number_r)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*number_r = strtoull(text, &end, 10);
	if (*end != ':' || *number_r < least || *number_r > most)
		return NULL;
	return end + 1;
}

#define NO_KEY                                                             \
	"expected a key as `evpopctl key generate' writes one, in a line " \
	"that begins with \"" PLAIN_MARK "\""
#define NEEDS_PASSPHRASE "the key is under a passphrase, which was not given"

/* `text` ends with a NUL at `length`. The reason, or NULL. */
static const char *
key_parse_sealed(struct secret_key *key, const char *text, size_t length,
    const struct secret *passphrase, bool *needs_passphrase)
{
	const char *end = text + length;
	struct sealed_key sealed;
	uint64_t passes, kibibytes;

	text = number_parse(
	    text, crypto_pwhash_OPSLIMIT_MIN, PASSES_MOST, &passes);
	if (text != NULL)
		text = number_parse(text, crypto_pwhash_MEMLIMIT_MIN / 1024,
		    KIBIBYTES_MOST, &kibibytes);
	if (text == NULL ||
	    !base64_parse(text, (size_t)(end - text), &sealed, sizeof(sealed)))
		return NO_KEY;
	if (passphrase == NULL) {
		*needs_passphrase = true;
		return NEEDS_PASSPHRASE;
	}
	return key_open(
	    key, passphrase, &sealed, passes, (size_t)kibibytes * 1024);
}

static const char *
key_parse_line(struct secret_key *key, const char *line, size_t length,
    const struct secret *passphrase, bool *needs_passphrase)
{
	const size_t plain = MARK_LENGTH(PLAIN_MARK),
		     sealed = MARK_LENGTH(PASSPHRASE_MARK);

	if (length >= plain && memcmp(line, PLAIN_MARK, plain) == 0)
		return base64_parse(line + plain, length - plain, key->octets,
			   sizeof(key->octets))
			   ? NULL
			   : NO_KEY;
	if (length >= sealed && memcmp(line, PASSPHRASE_MARK, sealed) == 0)
		return key_parse_sealed(key, line + sealed, length - sealed,
		    passphrase, needs_passphrase);
	if (length >= MARK_LENGTH(PUBLIC_MARK) &&
	    memcmp(line, PUBLIC_MARK, MARK_LENGTH(PUBLIC_MARK)) == 0)
		return "it holds the public half of a key; expected the secret "
		       "one";
	return NO_KEY;
}

/* The one line that is no comment and not empty. */
static const char *
key_parse(struct secret_key *key, const struct secret *contents,
    const struct secret *passphrase, bool *needs_passphrase)
{
	const char *line = secret_text(contents), *reason = NO_KEY;
	const char *end = line + secret_length(contents), *next;
	bool found = false;
	size_t length;

	for (; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		length = (size_t)((next != NULL ? next : end) - line);
		next = next != NULL ? next + 1 : end;
		if (length > 0 && line[length - 1] == '\r')
			length--;
		if (length == 0 || *line == '#')
			continue;
		if (found)
			return "it holds more than one key; expected one";
		found = true;
		reason = key_parse_line(
		    key, line, length, passphrase, needs_passphrase);
	}
	return reason;
}

/* Takes the contents, which are NULL where the error is known already. */
static struct secret_key *
key_of_contents(struct secret *contents, const char *source,
    const struct secret *passphrase, bool *needs_passphrase, char *error,
    size_t size)
{
	struct secret_key *key;
	const char *reason = "not enough memory";
	char shown[256];
	bool needed = false;

	if (needs_passphrase != NULL)
		*needs_passphrase = false;
	if (contents == NULL)
		return NULL;
	key = key_new();
	if (key != NULL)
		reason = key_parse(key, contents, passphrase, &needed);
	secret_free(&contents);
	if (reason == NULL) {
		key_complete(key);
		return key;
	}
	(void)evpop_text_printable(
	    shown, sizeof(shown), source, strlen(source));
	(void)snprintf(error, size, "%s: %s", shown, reason);
	if (needs_passphrase != NULL)
		*needs_passphrase = needed;
	secret_key_free(&key);
	return NULL;
}

struct secret_key *
secret_key_read(const char *path, const struct secret *passphrase,
    bool *needs_passphrase, char *error, size_t size)
{
	return key_of_contents(secret_file_contents(path, "key", error, size),
	    path, passphrase, needs_passphrase, error, size);
}

struct secret_key *
secret_key_read_credential(const char *name, char *error, size_t size)
{
	char source[128];

	(void)snprintf(source, sizeof(source), "credential %s", name);
	return key_of_contents(
	    secret_credential_contents(name, "key", error, size), source, NULL,
	    NULL, error, size);
}

/* ---- writing ---- */

/* A line's worth of text in guarded memory; the line ends with a NUL. */
#define KEY_LINE_MAX 256
_Static_assert(
    KEY_LINE_MAX > sizeof(PASSPHRASE_MARK) +
		       2 * sizeof("18446744073709551615:") +
		       SECRET_BASE64_LENGTH(sizeof(struct sealed_key)),
    "room for a key under a passphrase");

static bool
key_line(const struct secret_key *key, const struct secret *passphrase,
    char line[KEY_LINE_MAX])
{
	struct sealed_key sealed;
	size_t used;

	if (passphrase == NULL) {
		used = MARK_LENGTH(PLAIN_MARK);
		memcpy(line, PLAIN_MARK, used);
		secret_base64_encode(
		    key->octets, sizeof(key->octets), line + used);
		return true;
	}
	if (!key_seal(key, passphrase, &sealed))
		return false;
	used = (size_t)snprintf(line, KEY_LINE_MAX,
	    PASSPHRASE_MARK "%llu:%zu:", (unsigned long long)PASSES,
	    (size_t)MEMORY_BYTES / 1024);
	secret_base64_encode(&sealed, sizeof(sealed), line + used);
	return true;
}

#define KEY_TEXT_MAX (KEY_LINE_MAX + 512)

struct secret *
secret_key_text(const struct secret_key *key, const struct secret *passphrase,
    char *error, size_t size)
{
	unsigned char public[SECRET_KEY_SIZE];
	char shown[SECRET_PUBLIC_TEXT];
	char *text = sodium_malloc(KEY_TEXT_MAX), *line;
	struct secret *secret = NULL;
	size_t used;

	if (text != NULL) {
		secret_key_public(key, public);
		secret_public_text(public, shown);
		used = (size_t)snprintf(text, KEY_TEXT_MAX,
		    "# A secret key of evpop.  Who reads it opens what is "
		    "sealed with it; without it nobody can.\n"
		    "# Its public half: %s\n",
		    shown);
		line = text + used;
		if (key_line(key, passphrase, line)) {
			used += strlen(line);
			text[used++] = '\n';
			secret = secret_new(text, used);
		}
		sodium_free(text); /* wipes */
	}
	if (secret == NULL)
		(void)snprintf(error, size,
		    passphrase != NULL
			? "not enough memory; a passphrase takes %zu MiB"
			: "not enough memory",
		    (size_t)MEMORY_BYTES / 1024 / 1024);
	return secret;
}

static bool
write_all(int fd, const char *bytes, size_t length)
{
	ssize_t written;

	while (length > 0) {
		written = write(fd, bytes, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Makes a new name in a folder durable. */
static bool
folder_sync(const char *path)
{
	char *copy = strdup(path);
	int fd, error = ENOMEM;

	if (copy != NULL) {
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = fd < 0 || fsync(fd) != 0 ? errno : 0;
		if (fd >= 0)
			(void)close(fd);
	}
	free(copy);
	errno = error;
	return error == 0;
}

/* The reason, or NULL; errno says more unless it is 0. */
static const char *
file_write(const char *path, const struct secret *text)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;
	bool done;

	if (fd < 0 && errno == EEXIST)
		return "there is such a file already, and a key is never "
		       "written over";
	if (fd < 0)
		return "cannot create";
	done = write_all(fd, secret_text(text), secret_length(text)) &&
	       fsync(fd) == 0;
	error = errno;
	if (close(fd) != 0 && done) {
		error = errno;
		done = false;
	}
	if (done && folder_sync(path))
		return NULL;
	if (done)
		error = errno;
	(void)unlink(path);
	errno = error;
	return "cannot write";
}

bool
secret_key_write(const struct secret_key *key, const char *path,
    const struct secret *passphrase, char *error, size_t size)
{
	char reason[128], shown[256];
	struct secret *text =
	    secret_key_text(key, passphrase, reason, sizeof(reason));
	const char *fault = NULL;
	int number = 0;

	(void)evpop_text_printable(shown, sizeof(shown), path, strlen(path));
	if (text == NULL) {
		(void)snprintf(error, size, "%s: %s", shown, reason);
		return false;
	}
	fault = file_write(path, text);
	number = errno;
	secret_free(&text);
	if (fault != NULL && number == EEXIST)
		(void)snprintf(error, size, "%s: %s", shown, fault);
	else if (fault != NULL)
		(void)snprintf(
		    error, size, "%s: %s: %s", shown, fault, strerror(number));
	return fault == NULL;
}
