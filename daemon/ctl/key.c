#include <string.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/rotate.h"

/* ---- generate ---- */

/* The public half: alone on its line, for people and programs. */
static enum ctl_exit
key_print_public(const struct ctl *ctl, FILE *out, const struct secret_key *key)
{
	unsigned char public[SECRET_KEY_SIZE];
	char text[SECRET_PUBLIC_TEXT];
	enum ctl_exit code;
	json_t *json;

	secret_key_public(key, public);
	secret_public_text(public, text);
	if (!ctl->json) {
		fprintf(out, "%s\n", text);
		return CTL_OK;
	}
	json = json_pack("{s:s}", "public", text);
	if (json == NULL)
		return ctl_no_memory(ctl);
	code = ctl_print_json(&(struct ctl){ .json = true,
				  .is_terminal = ctl->is_terminal,
				  .out = out,
				  .err = ctl->err },
	    json);
	json_decref(json);
	return code;
}

/* To standard output, for another program that keeps it. */
static enum ctl_exit
key_print(const struct ctl *ctl, const struct secret_key *key,
    const struct secret *passphrase)
{
	char error[SECRET_KEY_ERROR];
	struct secret *text =
	    secret_key_text(key, passphrase, error, sizeof(error));

	if (text == NULL) {
		ctl_warn(ctl, "%s", error);
		return CTL_TEMPORARY;
	}
	/* Past a buffer, which would keep a copy. */
	(void)setvbuf(ctl->out, NULL, _IONBF, 0);
	(void)fwrite(secret_text(text), 1, secret_length(text), ctl->out);
	secret_free(&text);
	return key_print_public(ctl, ctl->err, key);
}

static enum ctl_exit
key_save(const struct ctl *ctl, const struct secret_key *key, const char *path,
    const struct secret *passphrase)
{
	char error[SECRET_KEY_ERROR], hint[4096 + 64];
	enum ctl_exit code;

	if (!secret_key_write(key, path, passphrase, error, sizeof(error))) {
		ctl_warn(ctl, "%s", error);
		return CTL_IO;
	}
	code = key_print_public(ctl, ctl->out, key);
	if (!ctl->is_terminal)
		return code;
	ctl_hint(ctl,
	    "keep a copy of the file in a safe place: what is sealed opens "
	    "with nothing else");
	if (geteuid() == 0) {
		(void)snprintf(hint, sizeof(hint),
		    "the daemon's own key is its user's: %schown evpopd %s",
		    ctl_sudo(), path);
		ctl_hint(ctl, hint);
	}
	return code;
}

static enum ctl_exit
key_generate(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *path = invocation->arguments[1];
	struct secret *passphrase = NULL;
	struct secret_key *key;
	enum ctl_exit code;

	if (command_given(invocation, "passphrase")) {
		passphrase = keyfile_ask(ctl, ctl->passphrase_fd,
		    "Passphrase of the new key", "passphrase", true);
		if (passphrase == NULL)
			return CTL_USAGE;
	}
	key = secret_key_generate();
	if (key == NULL)
		code = ctl_no_memory(ctl);
	else if (strcmp(path, "-") == 0)
		code = key_print(ctl, key, passphrase);
	else
		code = key_save(ctl, key, path, passphrase);
	secret_key_free(&key);
	secret_free(&passphrase);
	return code;
}

/* ---- public ---- */

static enum ctl_exit
key_public(const struct ctl *ctl, const struct invocation *invocation)
{
	enum ctl_exit code;
	struct secret_key *key =
	    keyfile_read(ctl, invocation->arguments[1], &code);

	if (key != NULL)
		code = key_print_public(ctl, ctl->out, key);
	secret_key_free(&key);
	return code;
}

/* ---- which of them ---- */

static const struct action {
	const char *name;
	size_t count;                  /* arguments, including its own name */
	bool has_passphrase, has_keys; /* options */
	enum ctl_exit (*run)(const struct ctl *, const struct invocation *);
} actions[] = {
	{ "generate", 2, true, false, key_generate },
	{ "public", 2, false, false, key_public },
	{ "rotate", 1, false, true, rotate_run },
};

static const struct action *
key_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

enum ctl_exit
key_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct action *action = key_action(invocation->arguments[0]);
	enum ctl_exit code;

	if (action == NULL)
		ctl_warn(ctl, "key: \"%s\" is no action of it",
		    invocation->arguments[0]);
	else if (invocation->count != action->count)
		ctl_warn(ctl, "key %s: too %s arguments", action->name,
		    invocation->count < action->count ? "few" : "many");
	else if (command_given(invocation, "passphrase") &&
		 !action->has_passphrase)
		ctl_warn(ctl, "--passphrase is for \"key generate\"");
	else if ((command_given(invocation, "key") ||
		     command_given(invocation, "to")) &&
		 !action->has_keys)
		ctl_warn(ctl, "--key and --to are for \"key rotate\"");
	else {
		code = keyfile_begin(ctl);
		return code == CTL_OK ? action->run(ctl, invocation) : code;
	}
	return command_usage(ctl, invocation->command);
}
