#include "daemon/ctl/keyfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/secret/line.h"
#include "daemon/secret/typed.h"

enum ctl_exit
keyfile_begin(const struct ctl *ctl)
{
	if (secret_init())
		return CTL_OK;
	ctl_warn(ctl, "libsodium cannot start");
	return CTL_SOFTWARE;
}

bool
keyfile_descriptor(
    const struct ctl *ctl, const char *option, const char *text, int *fd_r)
{
	if (*text != '\0' && strlen(text) <= 4 &&
	    text[strspn(text, "0123456789")] == '\0') {
		*fd_r = atoi(text);
		return true;
	}
	ctl_warn(ctl, "invalid --%s \"%s\"", option, text);
	ctl_hint(ctl, "the number of a descriptor: 0 is standard input");
	return false;
}

static bool
secret_equals(const struct secret *one, const struct secret *other)
{
	return secret_length(one) == secret_length(other) &&
	       memcmp(secret_text(one), secret_text(other),
		   secret_length(one)) == 0;
}

struct secret *
keyfile_ask(const struct ctl *ctl, int fd, const char *question,
    const char *what, bool is_new)
{
	char error[SECRET_ERROR_SIZE];
	struct secret *secret, *again;

	secret =
	    secret_typed(fd, question, what, ctl->err, error, sizeof(error));
	if (secret == NULL) {
		ctl_warn(ctl, "%s", error);
		return NULL;
	}
	if (!is_new || isatty(fd) != 1)
		return secret;
	again =
	    secret_typed(fd, "Once more", what, ctl->err, error, sizeof(error));
	if (again != NULL && secret_equals(secret, again)) {
		secret_free(&again);
		return secret;
	}
	ctl_warn(ctl, "%s", again == NULL ? error : "the two differ");
	secret_free(&again);
	secret_free(&secret);
	return NULL;
}

/* A key that is not there, one that may not be used, and what is none. */
static enum ctl_exit
keyfile_exit(const char *path, const struct secret *passphrase)
{
	char reason[SECRET_KEY_ERROR];

	if (access(path, F_OK) != 0)
		return errno == EACCES ? CTL_NO_PERMISSION : CTL_NOT_FOUND;
	return passphrase != NULL ||
		       !secret_file_safe(path, reason, sizeof(reason))
		   ? CTL_NO_PERMISSION
		   : CTL_DATA;
}

static struct secret_key *
keyfile_read_as_owner(
    const struct ctl *ctl, const char *path, enum ctl_exit *code_r)
{
	char error[SECRET_KEY_ERROR], question[256];
	struct secret *passphrase = NULL;
	struct secret_key *key;
	bool needs_passphrase;

	key = secret_key_read(
	    path, NULL, &needs_passphrase, error, sizeof(error));
	if (key == NULL && needs_passphrase) {
		(void)snprintf(
		    question, sizeof(question), "Passphrase of %s", path);
		passphrase = keyfile_ask(
		    ctl, ctl->passphrase_fd, question, "passphrase", false);
		if (passphrase == NULL) {
			*code_r = CTL_USAGE;
			return NULL;
		}
		key = secret_key_read(
		    path, passphrase, NULL, error, sizeof(error));
	}
	if (key == NULL) {
		ctl_warn(ctl, "%s", error);
		*code_r = keyfile_exit(path, passphrase);
		if (access(path, R_OK) != 0 && errno == EACCES)
			ctl_hint_sudo(ctl);
	}
	secret_free(&passphrase);
	return key;
}

struct secret_key *
keyfile_read(const struct ctl *ctl, const char *path, enum ctl_exit *code_r)
{
	struct secret_key *key;
	uid_t own;

	*code_r = keyfile_begin(ctl);
	if (*code_r != CTL_OK)
		return NULL;
	own = secret_become_owner(path);
	key = keyfile_read_as_owner(ctl, path, code_r);
	secret_become(own);
	return key;
}
