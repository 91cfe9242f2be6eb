/* fdm: ~/.fdm.conf, and what it has fetched in the caches that this names. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/migrate/tokens.h"
#include "daemon/ctl/migrate/words.h"

/* "$name = string", "action NAME maildir PATH", by the name. */
struct fdm_named {
	STAILQ_ENTRY(fdm_named) next;
	const char *name, *type, *value;
};
STAILQ_HEAD(fdm_list, fdm_named);

/* "match all", or "match account NAME", and the actions of it. */
struct fdm_rule {
	STAILQ_ENTRY(fdm_rule) next;
	struct fdm_list accounts; /* patterns; none: all of them */
	struct fdm_list actions;  /* without a type: of that name */
	bool goes_on;             /* to the rules behind it */
};

struct fdm_account {
	STAILQ_ENTRY(fdm_account) next;
	const char *name, *type, *host, *port, *user, *password, *cache;
	bool is_disabled, keeps, starttls, no_verify, is_old_only;
};

struct fdm {
	struct migration *migration;
	const char *path;
	struct tokens tokens;
	struct fdm_list macros, actions;
	STAILQ_HEAD(, fdm_account) accounts;
	STAILQ_HEAD(, fdm_rule) rules;
	bool has_other_rules, verifies;
	const char *maximum, *timeout, *proxy;
};

static const struct fdm_named *
fdm_find(const struct fdm_list *list, const char *name)
{
	const struct fdm_named *named;

	STAILQ_FOREACH(named, list, next)
		if (strcmp(named->name, name) == 0)
			return named;
	return NULL;
}

static void
fdm_add(struct fdm *fdm, struct fdm_list *list, const char *name,
    const char *type, const char *value)
{
	struct fdm_named *named =
	    migration_take(fdm->migration, sizeof(*named));

	if (named == NULL)
		return;
	*named =
	    (struct fdm_named){ .name = name, .type = type, .value = value };
	/* The last one counts. */
	STAILQ_INSERT_HEAD(list, named, next);
}

/* A string, in which ${name} stands for a macro, and tags for what they mean.
 */
static const char *
fdm_expand(struct fdm *fdm, const char *text)
{
	static const char *const homes[] = { "%h", "%[home]" };
	const struct fdm_named *macro;

	if (text[0] == '$' && text[1] != '{' && text[1] != '(' &&
	    (macro = fdm_find(&fdm->macros, text + 1)) != NULL)
		return macro->value;
	STAILQ_FOREACH(macro, &fdm->macros, next)
		text = words_replace(fdm->migration, text,
		    migration_text(fdm->migration, "${%s}", macro->name),
		    macro->value);
	for (size_t i = 0; i < 2; i++)
		text = words_replace(fdm->migration, text, homes[i],
		    migration_path(fdm->migration, "~"));
	return text;
}

static const char *
fdm_string(struct fdm *fdm)
{
	struct lexeme token;

	return tokens_next(&fdm->tokens, &token) ? fdm_expand(fdm, token.text)
						 : "";
}

static bool
fdm_takes(struct fdm *fdm, const char *word)
{
	struct lexeme token;

	return tokens_peek(&fdm->tokens, &token) && lexeme_is(&token, word) &&
	       tokens_next(&fdm->tokens, &token);
}

/* ---- the file ---- */

static bool
fdm_begins(const struct lexeme *token)
{
	static const char *const words[] = { "account", "action", "match",
		"set", "include", "cache" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (lexeme_is(token, words[i]))
			return true;
	return !token->is_quoted &&
	       (token->text[0] == '$' || token->text[0] == '%');
}

static void
fdm_take_account_word(
    struct fdm *fdm, struct fdm_account *account, const struct lexeme *token)
{
	if (lexeme_is(token, "disabled"))
		account->is_disabled = true;
	else if (lexeme_is(token, "server"))
		account->host = fdm_string(fdm);
	else if (lexeme_is(token, "port"))
		account->port = fdm_string(fdm);
	else if (lexeme_is(token, "user"))
		account->user = fdm_string(fdm);
	else if (lexeme_is(token, "pass"))
		account->password = fdm_string(fdm);
	else if (lexeme_is(token, "new-only") || lexeme_is(token, "old-only")) {
		account->is_old_only = token->text[0] == 'o';
		if (fdm_takes(fdm, "cache"))
			account->cache = fdm_string(fdm);
	} else if (lexeme_is(token, "starttls"))
		account->starttls = true;
	else if (lexeme_is(token, "no-verify"))
		account->no_verify = true;
	else if (lexeme_is(token, "keep"))
		account->keeps = true;
	else if (!token->is_quoted && account->type == NULL &&
		 strcmp(token->text, "user") != 0)
		account->type = token->text;
}

static void
fdm_take_account(struct fdm *fdm)
{
	struct fdm_account *account =
	    migration_take(fdm->migration, sizeof(*account));
	struct lexeme token;

	if (account == NULL)
		return;
	account->name = fdm_string(fdm);
	while (tokens_peek(&fdm->tokens, &token) &&
	       (token.is_quoted || !fdm_begins(&token))) {
		(void)tokens_next(&fdm->tokens, &token);
		/* "user NAME" before the type is whom it is delivered as. */
		if (account->type == NULL && lexeme_is(&token, "user"))
			(void)fdm_string(fdm);
		else
			fdm_take_account_word(fdm, account, &token);
	}
	STAILQ_INSERT_TAIL(&fdm->accounts, account, next);
}

static bool
fdm_is_type(const struct lexeme *token)
{
	static const char *const types[] = { "maildir", "mbox", "pipe", "exec",
		"write", "append", "smtp", "imap", "imaps", "stdout", "rewrite",
		"keep", "drop", "tag", "add-header", "remove-header",
		"remove-headers", "add-to-cache", "remove-from-cache" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (lexeme_is(token, types[i]))
			return true;
	return false;
}

/* "TYPE STRING ...", or several of these in braces. */
static void
fdm_take_types(struct fdm *fdm, struct fdm_list *list, const char *name)
{
	bool is_braced = fdm_takes(fdm, "{");
	struct lexeme token;
	const char *type;

	while (!fdm_takes(fdm, "}") && tokens_peek(&fdm->tokens, &token) &&
	       fdm_is_type(&token)) {
		(void)tokens_next(&fdm->tokens, &token);
		type = token.text;
		fdm_add(fdm, list, name, type,
		    tokens_peek(&fdm->tokens, &token) &&
			    (token.is_quoted || token.text[0] == '$')
			? fdm_string(fdm)
			: "");
		/* What else belongs to it. */
		while (tokens_peek(&fdm->tokens, &token) &&
		       (token.is_quoted ||
			   (!fdm_begins(&token) && !fdm_is_type(&token) &&
			       !lexeme_is(&token, "continue") &&
			       !lexeme_is(&token, "}"))))
			(void)tokens_next(&fdm->tokens, &token);
		if (!is_braced)
			return;
	}
}

static void
fdm_take_users(struct fdm *fdm)
{
	while (fdm_takes(fdm, "user"))
		(void)fdm_string(fdm);
}

static void
fdm_take_action(struct fdm *fdm)
{
	const char *name = fdm_string(fdm);

	fdm_take_users(fdm);
	fdm_take_types(fdm, &fdm->actions, name);
}

/* ---- rules ---- */

/* "action NAME", "actions { NAME ... }", or actions without a name. */
static void
fdm_take_rule(struct fdm *fdm, struct fdm_rule *rule)
{
	struct lexeme token;

	if (tokens_peek(&fdm->tokens, &token) && token.is_quoted)
		fdm_add(fdm, &rule->actions, fdm_string(fdm), NULL, "");
	else if (tokens_peek(&fdm->tokens, &token) && fdm_is_type(&token))
		fdm_take_types(fdm, &rule->actions, "");
	else if (fdm_takes(fdm, "{")) {
		while (tokens_peek(&fdm->tokens, &token) && token.is_quoted)
			fdm_add(fdm, &rule->actions, fdm_string(fdm), NULL, "");
		fdm_take_types(fdm, &rule->actions, "");
		(void)fdm_takes(fdm, "}");
	}
	rule->goes_on = fdm_takes(fdm, "continue");
}

/*
 * Rules for all mail and for that of an account; of others there is nothing
 * like them.
 */
static void
fdm_take_match(struct fdm *fdm)
{
	struct fdm_rule *rule = migration_take(fdm->migration, sizeof(*rule));
	struct lexeme token;
	bool is_usable = true;

	if (rule == NULL)
		return;
	STAILQ_INIT(&rule->accounts);
	STAILQ_INIT(&rule->actions);
	if (fdm_takes(fdm, "account"))
		fdm_add(fdm, &rule->accounts, fdm_string(fdm), "", "");
	else if (fdm_takes(fdm, "accounts") && fdm_takes(fdm, "{"))
		while (!fdm_takes(fdm, "}") &&
		       tokens_peek(&fdm->tokens, &token) && token.is_quoted)
			fdm_add(fdm, &rule->accounts, fdm_string(fdm), "", "");
	else
		is_usable = fdm_takes(fdm, "all");
	fdm_take_users(fdm);
	if (is_usable &&
	    (fdm_takes(fdm, "action") || fdm_takes(fdm, "actions"))) {
		fdm_take_rule(fdm, rule);
		STAILQ_INSERT_TAIL(&fdm->rules, rule, next);
		return;
	}
	fdm->has_other_rules = true;
	while (tokens_peek(&fdm->tokens, &token) &&
	       (token.is_quoted || !fdm_begins(&token) ||
		   lexeme_is(&token, "action")))
		(void)tokens_next(&fdm->tokens, &token);
}

/* ---- settings ---- */

/* "10", "10M" or "10 megabytes": the number, and the unit's first letter. */
static const char *
fdm_amount(struct fdm *fdm, char *unit_r)
{
	const char *amount = fdm_string(fdm);
	size_t digits = strspn(amount, "0123456789");
	struct lexeme token;

	*unit_r = amount[digits];
	if (*unit_r == '\0' && tokens_peek(&fdm->tokens, &token) &&
	    !token.is_quoted && !fdm_begins(&token) &&
	    !lexeme_is(&token, "ifdef") && !lexeme_is(&token, "ifndef") &&
	    !lexeme_is(&token, "endif") && tokens_next(&fdm->tokens, &token))
		*unit_r = token.text[0];
	return migration_copy(fdm->migration, amount, digits);
}

static void
fdm_take_set(struct fdm *fdm)
{
	const char *amount;
	char unit;

	if (fdm_takes(fdm, "maximum-size")) {
		amount = fdm_amount(fdm, &unit);
		fdm->maximum = migration_text(fdm->migration, "%s%s", amount,
		    strchr("kK", unit) != NULL && unit != '\0'   ? "K"
		    : strchr("mM", unit) != NULL && unit != '\0' ? "M"
		    : strchr("gG", unit) != NULL && unit != '\0' ? "G"
								 : "");
	} else if (fdm_takes(fdm, "timeout")) {
		amount = fdm_amount(fdm, &unit);
		fdm->timeout = migration_text(fdm->migration, "%lu",
		    strtoul(amount, NULL, 10) * (unit == 'm'      ? 60UL
						    : unit == 'h' ? 3600UL
								  : 1UL));
	} else if (fdm_takes(fdm, "proxy"))
		fdm->proxy = fdm_string(fdm);
	else if (fdm_takes(fdm, "verify-certificates"))
		fdm->verifies = true;
}

static void
fdm_take_macro(struct fdm *fdm, const struct lexeme *token)
{
	/* "$name = VALUE" */
	if (fdm_takes(fdm, "="))
		fdm_add(
		    fdm, &fdm->macros, token->text + 1, "", fdm_string(fdm));
}

static void
fdm_take(struct fdm *fdm)
{
	struct lexeme token;

	while (tokens_next(&fdm->tokens, &token)) {
		if (lexeme_is(&token, "account"))
			fdm_take_account(fdm);
		else if (lexeme_is(&token, "action"))
			fdm_take_action(fdm);
		else if (lexeme_is(&token, "match"))
			fdm_take_match(fdm);
		else if (lexeme_is(&token, "set"))
			fdm_take_set(fdm);
		else if (lexeme_is(&token, "include"))
			migration_note(fdm->migration, NULL,
			    "%s:%u: \"%s\" was not read: import it, too",
			    fdm->path, token.line, fdm_string(fdm));
		else if (!token.is_quoted &&
			 (token.text[0] == '$' || token.text[0] == '%'))
			fdm_take_macro(fdm, &token);
	}
}

/* ---- an account ---- */

/* Its tags, of which the account's name alone is known before mail comes. */
static const char *
fdm_tags(const struct fdm *fdm, const struct migration_section *account,
    const char *name, const char *text)
{
	struct migration *migration = fdm->migration;

	text = words_replace(migration,
	    words_replace(migration, text, "%[account]", name), "%a", name);
	for (const char *at = text; (at = strchr(at, '%')) != NULL; at++)
		if (at[1] == '[' || strchr("cdhHmMnQrsStuWyY", at[1]) != NULL) {
			migration_note(migration, account,
			    "%s: evpopd puts in nothing for %.2s there", text,
			    at);
			break;
		}
	return text;
}

static void
fdm_deliver(const struct fdm *fdm, struct migration_section *account,
    const struct fdm_account *from, const struct fdm_named *action)
{
	struct migration *migration = fdm->migration;

	if (strcmp(action->type, "maildir") == 0 ||
	    strcmp(action->type, "mbox") == 0)
		words_deliver_to_path(migration, account, action->type,
		    fdm_tags(fdm, account, from->name, action->value));
	else if (strcmp(action->type, "pipe") == 0 ||
		 strcmp(action->type, "exec") == 0)
		words_deliver_to_shell(migration, account,
		    fdm_tags(fdm, account, from->name, action->value));
	else if (strcmp(action->type, "keep") != 0 &&
		 strcmp(action->type, "drop") != 0)
		migration_note(migration, account,
		    "an action of the type %s: evpopd has no such target",
		    action->type);
}

static void
fdm_apply(const struct fdm *fdm, struct migration_section *account,
    const struct fdm_account *from, const struct fdm_rule *rule)
{
	const struct fdm_named *named, *action;

	STAILQ_FOREACH(named, &rule->actions, next) {
		if (named->type != NULL)
			fdm_deliver(fdm, account, from, named);
		else
			STAILQ_FOREACH(action, &fdm->actions, next)
				if (strcmp(action->name, named->name) == 0)
					fdm_deliver(fdm, account, from, action);
	}
}

static bool
fdm_applies(const struct fdm_rule *rule, const char *account)
{
	const struct fdm_named *pattern;

	STAILQ_FOREACH(pattern, &rule->accounts, next)
		if (fnmatch(pattern->name, account, 0) == 0)
			return true;
	return STAILQ_EMPTY(&rule->accounts);
}

static void
fdm_set_delivery(const struct fdm *fdm, struct migration_section *account,
    const struct fdm_account *from)
{
	const struct fdm_rule *rule;

	if (fdm->has_other_rules)
		migration_note(fdm->migration, account,
		    "the rules (\"match\"): all of its mail goes where the "
		    "rest went; a target of the type pipe can sort it");
	STAILQ_FOREACH(rule, &fdm->rules, next)
		if (fdm_applies(rule, from->name)) {
			fdm_apply(fdm, account, from, rule);
			if (!rule->goes_on)
				return;
		}
	if (migration_get(account, "deliver") == NULL)
		migration_note(fdm->migration, account,
		    "no rule is for all mail: it stays in evpopd's store");
}

static void
fdm_set_network(const struct fdm *fdm, struct migration_section *account,
    const struct fdm_account *from, bool is_tls)
{
	struct migration *migration = fdm->migration;

	migration_set(migration, account, "tls",
	    is_tls           ? "implicit"
	    : from->starttls ? "stls"
			     : "none");
	if (!is_tls && !from->starttls)
		migration_set(migration, account, "allow_cleartext", "yes");
	else if (!fdm->verifies || from->no_verify)
		migration_note(migration, account,
		    "fdm verifies certificates only where it is told to, and "
		    "evpopd does always; \"evpopctl doctor\" tells whether "
		    "that works");
	if (fdm->proxy != NULL && strncmp(fdm->proxy, "socks://", 8) == 0)
		migration_set(migration, account, "proxy",
		    migration_text(migration, "socks5://%s", fdm->proxy + 8));
	else if (fdm->proxy != NULL)
		migration_set(migration, account, "proxy", fdm->proxy);
	if (fdm->maximum != NULL && strspn(fdm->maximum, "0123456789") > 0)
		migration_set(
		    migration, account, "max_message_size", fdm->maximum);
	words_set_timeout(migration, account, fdm->timeout);
}

/* ---- unique-ids ---- */

/* "LENGTH UID" and a line's end, which an id may not contain. */
static void
fdm_take_ids(struct migration *migration, struct migration_section *account,
    const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	unsigned long id_length;
	char *id;

	while (at < end) {
		id_length = strtoul(at, &id, 10);
		if (id == at || *id != ' ' ||
		    id_length > (size_t)(end - id - 1))
			return;
		migration_add_id(migration, account, id + 1, id_length);
		at = id + 1 + id_length + 1;
	}
}

static void
fdm_read_ids(
    const struct fdm *fdm, struct migration_section *account, const char *cache)
{
	struct migration *migration = fdm->migration;
	const char *path;
	size_t length;
	char *text;

	if (cache == NULL) {
		migration_note(migration, account,
		    "it has no cache of what it has fetched: all that is on "
		    "the server will be fetched");
		return;
	}
	path = migration_path(migration, cache);
	text = migration_read_ids(migration, account, path, &length);
	if (text != NULL)
		fdm_take_ids(migration, account, text, length);
}

/* ---- all of it ---- */

static const char *
fdm_port(const char *port)
{
	if (port == NULL || strcmp(port, "pop3") == 0)
		return NULL;
	return strcmp(port, "pop3s") == 0 ? "995" : port;
}

/* As ~/.netrc has it, where the account does not. */
static void
fdm_convert(const struct fdm *fdm, const struct fdm_account *from)
{
	struct migration *migration = fdm->migration;
	bool is_tls = from->type != NULL && strcmp(from->type, "pop3s") == 0;
	struct migration_section *account;

	if (from->host == NULL || from->user == NULL || from->type == NULL ||
	    (!is_tls && strcmp(from->type, "pop3") != 0)) {
		migration_note(migration, NULL,
		    "%s: it is no account of a POP3 server with a user",
		    from->name);
		return;
	}
	account = migration_account(migration, from->name, from->host,
	    fdm_port(from->port), from->user);
	if (account == NULL)
		return;
	if (from->is_disabled)
		migration_set(migration, account, "enabled", "no");
	fdm_set_network(fdm, account, from, is_tls);
	words_set_password(migration, account, from->password, false);
	fdm_set_delivery(fdm, account, from);
	words_set_keep(migration, account, from->keeps);
	if (from->is_old_only)
		migration_note(
		    migration, account, "old-only: evpopd fetches what is new");
	fdm_read_ids(fdm, account, from->cache);
}

enum ctl_exit
fdm_read(const struct ctl *ctl, struct migration *migration, const char *path)
{
	struct fdm fdm = { .migration = migration, .path = path };
	const struct fdm_account *account;
	size_t length;
	char *text = migration_read(migration, path, &length);

	if (text == NULL) {
		ctl_warn(ctl, "%s: %s", path, strerror(errno));
		return CTL_NOT_FOUND;
	}
	fdm.tokens = (struct tokens){ .migration = migration,
		.at = text,
		.line = 1,
		.noise = "",
		.single = "{}=",
		.quotes = "\"'" };
	STAILQ_INIT(&fdm.macros);
	STAILQ_INIT(&fdm.actions);
	STAILQ_INIT(&fdm.rules);
	STAILQ_INIT(&fdm.accounts);
	fdm_take(&fdm);
	STAILQ_FOREACH(account, &fdm.accounts, next)
		fdm_convert(&fdm, account);
	return CTL_OK;
}
