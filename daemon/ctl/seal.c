#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/secret/sealed.h"

#define DEFAULT_KEY "/etc/evpopd/evpopd.key"
#define MAKES_KEY   "evpopctl key generate " DEFAULT_KEY "\" makes it"

/* The daemon's key where it is looked for without --key; for free(). */
static char *
seal_default_key(void)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (folder != NULL && asprintf(&path, "%s/evpopd.key", folder) >= 0) {
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return strdup(DEFAULT_KEY);
}

static enum ctl_exit
seal_print(const struct ctl *ctl, const char *sealed)
{
	enum ctl_exit code;
	json_t *json;

	if (!ctl->json) {
		fprintf(ctl->out, "password_sealed = %s\n", sealed);
		return CTL_OK;
	}
	json = json_pack("{s:s}", "password_sealed", sealed);
	if (json == NULL)
		return ctl_no_memory(ctl);
	code = ctl_print_json(ctl, json);
	json_decref(json);
	return code;
}

static enum ctl_exit
seal_with(
    const struct ctl *ctl, const struct secret_key *key, const char *bound)
{
	struct secret *password;
	enum ctl_exit code;
	char *sealed;

	password = keyfile_ask(ctl, STDIN_FILENO, "Password", "password", true);
	if (password == NULL)
		return CTL_USAGE;
	sealed = secret_seal(key, password, bound);
	secret_free(&password);
	code = sealed != NULL ? seal_print(ctl, sealed) : ctl_no_memory(ctl);
	free(sealed);
	return code;
}

/*
 * What the password is bound to, for free(); NULL with CTL_OK where that is
 * nothing, or with another code after saying why.
 */
static char *
seal_bound(const struct ctl *ctl, const struct invocation *invocation,
    enum ctl_exit *code_r)
{
	const char *account = command_value(invocation, "account");
	const char *target = command_value(invocation, "target");
	const char *kind = account != NULL ? "account" : "target";
	const char *name = account != NULL ? account : target;
	char *bound = NULL;

	*code_r = CTL_OK;
	if (name == NULL)
		return NULL;
	if (account != NULL && target != NULL)
		ctl_warn(ctl, "seal: expected --account or --target, not both");
	else if (*name == '\0' ||
		 strlen(name) + strlen(SECRET_BOUND_TARGET) > SECRET_BOUND_MAX)
		ctl_warn(ctl,
		    "seal: --%s: expected the name of %s %s of at most %zu "
		    "characters",
		    kind, account != NULL ? "an" : "a", kind,
		    SECRET_BOUND_MAX - strlen(SECRET_BOUND_TARGET));
	else if (asprintf(&bound, "%s%s",
		     account != NULL ? "" : SECRET_BOUND_TARGET, name) >= 0)
		return bound;
	else {
		*code_r = ctl_no_memory(ctl);
		return NULL;
	}
	*code_r = CTL_USAGE;
	return NULL;
}

enum ctl_exit
seal_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *given = command_value(invocation, "key");
	enum ctl_exit code;
	char *bound = seal_bound(ctl, invocation, &code), *path;
	struct secret_key *key;

	if (code != CTL_OK)
		return code;
	path = given != NULL ? strdup(given) : seal_default_key();
	if (path == NULL) {
		free(bound);
		return ctl_no_memory(ctl);
	}
	key = keyfile_read(ctl, path, &code);
	if (key != NULL)
		code = seal_with(ctl, key, bound);
	else if (code == CTL_NOT_FOUND && given == NULL)
		ctl_hint(ctl, geteuid() != 0 ? "--key names another file; "
					       "\"sudo " MAKES_KEY
					     : "--key names another file; "
					       "\"" MAKES_KEY);
	secret_key_free(&key);
	free(path);
	free(bound);
	return code;
}
