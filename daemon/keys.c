#include "daemon/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/report.h"
#include "daemon/config/target.h"
#include "daemon/secret/sealing.h"
#include "daemon/secret/secret.h"
#include "lib/base/text.h"

/* What systemd calls it: LoadCredential=evpopd.key:/etc/evpopd/evpopd.key */
#define CREDENTIAL "evpopd.key"

/* Whether systemd has handed one in. */
static bool
credential_is_there(void)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	bool is_there;

	if (folder == NULL || asprintf(&path, "%s/" CREDENTIAL, folder) < 0)
		return false;
	is_there = access(path, F_OK) == 0;
	free(path);
	return is_there;
}

static void
keys_take(struct keys *keys, struct secret_key *key, const char *source)
{
	unsigned char public[SECRET_KEY_SIZE];

	keys->key = key;
	(void)evpop_text_printable(
	    keys->source, sizeof(keys->source), source, strlen(source));
	secret_key_public(key, public);
	secret_public_text(public, keys->public);
}

bool
keys_read(struct keys *keys, const struct config *config, char *error,
    size_t error_size)
{
	const char *source = config->key_file;
	bool needs_passphrase = false;
	struct secret_key *key;
	size_t used;

	*keys = (struct keys){ 0 };
	if (source != NULL) {
		key = secret_key_read(
		    source, NULL, &needs_passphrase, error, error_size);
	} else if (credential_is_there()) {
		source = "credential " CREDENTIAL;
		key = secret_key_read_credential(CREDENTIAL, error, error_size);
	} else {
		return true;
	}
	if (key != NULL) {
		keys_take(keys, key, source);
		return true;
	}
	used = strlen(error);
	if (needs_passphrase)
		(void)snprintf(error + used, error_size - used,
		    "; evpopd has nobody to ask, and needs a key without one");
	return false;
}

void
keys_free(struct keys *keys)
{
	secret_key_free(&keys->key);
	*keys = (struct keys){ 0 };
}

static void
keys_check_account(struct secret_opener *opener,
    const struct config_account *account, struct config_report *report)
{
	const struct secret_bearer bearer = { .name = account->name,
		.id = account->id };
	char error[SECRET_KEY_ERROR];

	if (account->password_sealed != NULL &&
	    !secret_opener_try(opener, account->password_sealed, &bearer, error,
		sizeof(error)))
		config_report_error(report, account->file, account->line,
		    "[account %s]: %s", account->name, error);
	if (account->oauth2 != NULL &&
	    account->oauth2->client_secret_sealed != NULL &&
	    !secret_opener_try(opener, account->oauth2->client_secret_sealed,
		&bearer, error, sizeof(error)))
		config_report_error(report, account->file, account->line,
		    "[account %s]: oauth2_client_secret_sealed: %s",
		    account->name, error);
}

/* Whether there are tokens to keep: the consent of a user is one. */
static bool
keys_are_for_tokens(const struct config_oauth2 *oauth2, uint8_t flow)
{
	return oauth2 != NULL && flow != CONFIG_OAUTH2_CLIENT_CREDENTIALS;
}

static void
keys_report_tokens(struct config_report *report, bool is_certain,
    const char *file, unsigned line, const char *kind, const char *name)
{
	(is_certain ? config_report_error : config_report_warning)(report, file,
	    line,
	    "[%s %s]: oauth2_client_id needs a key of the daemon's, with which "
	    "tokens are sealed in the store; \"evpopctl key generate FILE\" "
	    "makes one, for key_file in [daemon] or the credential " CREDENTIAL,
	    kind, name);
}

/* Said of the first account or target that needs one. */
static void
keys_check_tokens(const struct keys *keys, const struct config *config,
    struct config_report *report, bool is_certain)
{
	if (keys->key != NULL)
		return;
	for (size_t i = 0; i < config->account_count; i++) {
		const struct config_account *account = config->accounts[i];

		if (!keys_are_for_tokens(account->oauth2, account->oauth2_flow))
			continue;
		keys_report_tokens(report, is_certain, account->file,
		    account->line, "account", account->name);
		return;
	}
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = config->targets[i];

		if (!keys_are_for_tokens(target->oauth2, target->oauth2_flow))
			continue;
		keys_report_tokens(report, is_certain, target->file,
		    target->line, "target", target->name);
		return;
	}
}

static void
keys_check_target(struct secret_opener *opener,
    const struct config_target *target, const char *sealed, const char *what,
    struct config_report *report)
{
	const struct secret_bearer bearer = { .name = target->name,
		.is_target = true };
	char error[SECRET_KEY_ERROR];

	if (sealed != NULL &&
	    !secret_opener_try(opener, sealed, &bearer, error, sizeof(error)))
		config_report_error(report, target->file, target->line,
		    "[target %s]: %s%s", target->name, what, error);
}

static void
keys_check_sealed(const struct keys *keys, const struct config *config,
    struct config_report *report)
{
	struct secret_opener *opener = secret_opener_new(keys->key);

	if (opener == NULL)
		config_report_no_memory(report);
	for (size_t i = 0; opener != NULL && i < config->account_count; i++)
		keys_check_account(opener, config->accounts[i], report);
	for (size_t i = 0; opener != NULL && i < config->target_count; i++) {
		const struct config_target *target = config->targets[i];

		keys_check_target(
		    opener, target, target->password.sealed, "", report);
		keys_check_target(opener, target, target->secret.sealed,
		    "secret_sealed: ", report);
		keys_check_target(opener, target,
		    target->oauth2 != NULL
			? target->oauth2->client_secret_sealed
			: NULL,
		    "oauth2_client_secret_sealed: ", report);
	}
	secret_opener_free(&opener);
}

#define NO_PUBLIC_KEY                                                   \
	"it is no public key; \"evpopctl key public FILE\" shows that " \
	"of a key"

/* What has the form of a key may be none. */
static bool
seal_to_is_key(const char *text, unsigned char public[SECRET_KEY_SIZE])
{
	struct sealing *sealing = NULL;
	bool is_key;

	if (secret_public_parse(text, public))
		sealing = sealing_new(public);
	is_key = sealing != NULL;
	sealing_free(&sealing);
	return is_key;
}

bool
keys_read_seal_to(const struct keys *keys, const struct config *config,
    unsigned char public[SECRET_KEY_SIZE], char *error, size_t error_size)
{
	const char *wrong = NULL;

	if (!seal_to_is_key(config->store_seal_to, public))
		wrong = NO_PUBLIC_KEY;
	else if (keys->key == NULL)
		wrong = "it takes a key of the daemon's, too, by which mail is "
			"recognised that cannot be read; give key_file in "
			"[daemon], or the credential " CREDENTIAL;
	else if (strcmp(config->store_seal_to, keys->public) == 0)
		wrong = "it is the daemon's own key, which is where the mail "
			"is; seal to a key that is kept elsewhere";
	if (wrong != NULL)
		(void)snprintf(error, error_size, "seal_to: %s", wrong);
	return wrong == NULL;
}

static void
keys_check_seal_to(const struct keys *keys, const struct config *config,
    struct config_report *report, const char *path)
{
	unsigned char public[SECRET_KEY_SIZE];
	char error[SECRET_KEY_ERROR];

	if (config->store_seal_to != NULL &&
	    !keys_read_seal_to(keys, config, public, error, sizeof(error)))
		config_report_error(report, path, 0, "[store] %s", error);
}

void
keys_check(const struct keys *keys, const struct config *config,
    const char *path, struct config_messages *messages_r)
{
	struct config_report report = { 0 };

	keys_check_sealed(keys, config, &report);
	keys_check_seal_to(keys, config, &report, path);
	keys_check_tokens(keys, config, &report, true);
	*messages_r = config_report_finish(&report, "");
}

/* ---- for --check ---- */

static const char *
keys_sealed_of_oauth2(const struct config_oauth2 *oauth2)
{
	return oauth2 != NULL && oauth2->client_secret_sealed != NULL
		   ? "oauth2_client_secret_sealed"
		   : NULL;
}

/* The first key of an account whose value is sealed; NULL: there is none. */
static const char *
keys_sealed_of_account(const struct config_account *account)
{
	if (account->password_sealed != NULL)
		return "password_sealed";
	return keys_sealed_of_oauth2(account->oauth2);
}

static const char *
keys_sealed_of_target(const struct config_target *target)
{
	if (target->password.sealed != NULL)
		return "password_sealed";
	if (target->secret.sealed != NULL)
		return "secret_sealed";
	return keys_sealed_of_oauth2(target->oauth2);
}

/* What is sealed cannot be tried: said of the first account or target. */
static void
keys_warn_of_sealed(const struct config *config, struct config_report *report)
{
	static const char why[] =
	    "no key to try it with: [daemon] has no key_file, and the "
	    "credential " CREDENTIAL " is there only for a service of "
	    "systemd's that loads it";

	for (size_t i = 0; i < config->account_count; i++) {
		const struct config_account *account = config->accounts[i];
		const char *key = keys_sealed_of_account(account);

		if (key == NULL)
			continue;
		config_report_warning(report, account->file, account->line,
		    "[account %s]: %s: %s", account->name, key, why);
		return;
	}
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = config->targets[i];
		const char *key = keys_sealed_of_target(target);

		if (key == NULL)
			continue;
		config_report_warning(report, target->file, target->line,
		    "[target %s]: %s: %s", target->name, key, why);
		return;
	}
}

/* What can be said of seal_to without the daemon's key. */
static bool
keys_check_seal_to_alone(
    const struct config *config, const char *path, struct config_report *report)
{
	unsigned char public[SECRET_KEY_SIZE];

	if (config->store_seal_to == NULL ||
	    seal_to_is_key(config->store_seal_to, public))
		return true;
	config_report_error(report, path, 0, "[store] seal_to: " NO_PUBLIC_KEY);
	return false;
}

static void
keys_check_without(
    const struct config *config, const char *path, struct config_report *report)
{
	if (keys_check_seal_to_alone(config, path, report) &&
	    config->store_seal_to != NULL)
		config_report_warning(report, path, 0,
		    "[store] seal_to: it takes a key of the daemon's, too: "
		    "[daemon] has no key_file, and the credential " CREDENTIAL
		    " is there only for a service of systemd's that loads it");
	keys_warn_of_sealed(config, report);
	/* A service of systemd's may be given one. */
	keys_check_tokens(&(struct keys){ 0 }, config, report, false);
}

void
keys_check_config(const struct config *config, const char *path,
    struct config_messages *messages_r)
{
	char error[SECRET_KEY_ERROR], reason[192];
	struct config_report report = { 0 };
	struct keys keys = { 0 };
	bool is_safe, is_read;
	uid_t own;

	own = secret_become_owner(config->key_file);
	is_safe = config->key_file == NULL ||
		  secret_file_safe(config->key_file, reason, sizeof(reason));
	is_read = is_safe && keys_read(&keys, config, error, sizeof(error));
	secret_become(own);
	if (!is_safe) {
		config_report_warning(&report, path, 0, "key_file: %s: %s",
		    config->key_file, reason);
		(void)keys_check_seal_to_alone(config, path, &report);
	} else if (!is_read) {
		config_report_error(&report, path, 0, "%s%s",
		    config->key_file != NULL ? "key_file: " : "", error);
		(void)keys_check_seal_to_alone(config, path, &report);
	} else if (keys.key == NULL)
		keys_check_without(config, path, &report);
	else {
		keys_check_sealed(&keys, config, &report);
		keys_check_seal_to(&keys, config, &report, path);
	}
	keys_free(&keys);
	*messages_r = config_report_finish(&report, path);
}
