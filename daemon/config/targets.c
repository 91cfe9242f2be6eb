#include "daemon/config/targets.h"

#include <stdlib.h>
#include <string.h>

#include <evpop/auth.h>
#include <evpop/client.h>

#include "daemon/config/config.h"
#include "daemon/config/deliver.h"
#include "daemon/config/files.h"
#include "daemon/config/gmail.h"
#include "daemon/config/option.h"
#include "daemon/config/program.h"
#include "daemon/config/target.h"
#include "daemon/config/value.h"
#include "lib/base/array.h"
#include "lib/base/near.h"
#include "lib/base/unit.h"
#include "lib/base/words.h"

/* More targets than anybody means to have. */
#define DESCRIBED_MANY 1000

void
config_targets_free(struct config_targets *targets)
{
	free(targets->drafts);
	*targets = (struct config_targets){ 0 };
}

struct config_target_draft *
config_targets_begin(struct config_targets *targets, struct evpop_arena *arena,
    const struct config_report_place *place, const char *name)
{
	struct config_target *target = evpop_arena_take(arena, sizeof(*target));
	struct config_target_draft *drafts = evpop_array_grow(targets->drafts,
	    targets->count, &targets->capacity, sizeof(*drafts));

	if (drafts != NULL)
		targets->drafts = drafts;
	if (target != NULL) {
		target->name = evpop_arena_share(arena, name);
		target->file = evpop_arena_share(arena, place->file);
		target->line = place->line;
		target->type = CONFIG_TARGET_COUNT; /* none as yet */
	}
	if (drafts == NULL || target == NULL || target->name == NULL ||
	    target->file == NULL ||
	    !config_value_set_target_defaults(target, arena)) {
		config_report_no_memory(place->report);
		return NULL;
	}
	drafts[targets->count] =
	    (struct config_target_draft){ target, 0, targets->count };
	return &drafts[targets->count++];
}

/* ---- whether one has what its type needs ---- */

static uint64_t
target_bit(const char *key)
{
	return config_option_bit(config_option_find(CONFIG_SCOPE_TARGET, key));
}

static bool
target_is_given(const struct config_target_draft *draft, const char *key)
{
	return (draft->given & target_bit(key)) != 0;
}

/* A key with a bad value is not missing; its value was reported. */
static void
target_need(struct config_report *report,
    const struct config_target_draft *draft, const char *key, const char *why)
{
	const struct config_target *target = draft->target;

	if (!target_is_given(draft, key))
		config_report_error(report, target->file, target->line,
		    "[target %s]: %s is missing%s", target->name, key, why);
}

static void
target_check_keys(
    struct config_report *report, const struct config_target_draft *draft)
{
	const struct config_target *target = draft->target;

	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (option->scope != CONFIG_SCOPE_TARGET ||
		    option->targets == 0 ||
		    (draft->given & config_option_bit(option)) == 0 ||
		    (option->targets & (1U << target->type)) != 0)
			continue;
		config_report_error(report, target->file, target->line,
		    "[target %s]: %s is no key of a target with type = %s",
		    target->name, option->key,
		    config_target_type_name(target->type));
	}
}

/* Of the five sources of a secret, how many are given. */
static unsigned
target_count_sources(const struct config_secret *secret)
{
	const char *const sources[] = { secret->literal, secret->file,
		secret->command, secret->credential, secret->sealed };
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		count += sources[i] != NULL;
	return count;
}

static void
target_check_sources(struct config_report *report,
    const struct config_target *target, const char *key,
    const struct config_secret *secret)
{
	if (target_count_sources(secret) > 1)
		config_report_error(report, target->file, target->line,
		    "[target %s]: expected one of %s, %s_file, %s_command, "
		    "%s_credential and %s_sealed",
		    target->name, key, key, key, key, key);
}

/* Whether it logs in by its TLS client certificate alone. */
static bool
target_is_by_certificate(const struct config_target *target)
{
	return target->auth == EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_EXTERNAL) &&
	       target->tls_cert != NULL;
}

static void
target_check_login(
    struct config_report *report, const struct config_target_draft *draft)
{
	const struct config_target *target = draft->target;
	bool has_token = target->token_command != NULL;
	bool has_password =
	    has_token || target_count_sources(&target->password) > 0;

	if (target->type == CONFIG_TARGET_IMAP)
		target_need(report, draft, "user", "");
	if (target_is_given(draft, "user") && !has_password &&
	    !target_is_by_certificate(target))
		config_report_error(report, target->file, target->line,
		    "[target %s]: no password; expected password, "
		    "password_file, password_command, password_credential, "
		    "password_sealed or token_command",
		    target->name);
	if (has_token && target_count_sources(&target->password) > 0)
		config_report_error(report, target->file, target->line,
		    "[target %s]: expected a password or token_command, not "
		    "both",
		    target->name);
	if (target->type == CONFIG_TARGET_LMTP && has_password &&
	    !target_is_given(draft, "user"))
		config_report_error(report, target->file, target->line,
		    "[target %s]: a password without user", target->name);
}

/* Whether what is sent stays on this machine; behind a proxy it may not. */
static bool
target_is_loopback(const struct config_target *target)
{
	return target->proxy == NULL && target->host != NULL &&
	       evpop_host_is_loopback(target->host);
}

/* TLS where nothing is said: servers of LMTP begin without it, if they have it
 * at all, and behind a socket none is needed. */
static void
target_complete_tls(struct config_target *target, bool is_given)
{
	if (is_given)
		return;
	target->tls = EVPOP_TLS_IMPLICIT;
	if (target->type == CONFIG_TARGET_LMTP)
		target->tls =
		    target->socket != NULL || target_is_loopback(target)
			? EVPOP_TLS_NONE
			: EVPOP_TLS_STLS;
}

static void
target_check_tls(
    struct config_report *report, const struct config_target *target)
{
	if (target->tls == EVPOP_TLS_NONE && target->host != NULL &&
	    target->socket == NULL && !target->allow_cleartext &&
	    !target_is_loopback(target))
		config_report_error(report, target->file, target->line,
		    "[target %s]: tls = none would show mail to the network; "
		    "expected tls = implicit or tls = stls (or "
		    "allow_cleartext = yes)",
		    target->name);
	if (target->tls_key != NULL && target->tls_cert == NULL)
		config_report_error(report, target->file, target->line,
		    "[target %s]: tls_key without tls_cert", target->name);
}

/* ---- one type each ---- */

static void
target_check_lmtp(
    struct config_report *report, const struct config_target_draft *draft)
{
	struct config_target *target = draft->target;

	if (target_is_given(draft, "host") && target_is_given(draft, "socket"))
		config_report_error(report, target->file, target->line,
		    "[target %s]: host and socket are both given; expected one "
		    "of them",
		    target->name);
	else if (!target_is_given(draft, "socket"))
		target_need(report, draft, "host",
		    "; expected host, or socket = /PATH");
	target_complete_tls(target, target_is_given(draft, "tls"));
	target_check_tls(report, target);
	target_check_login(report, draft);
}

static void
target_check_imap(
    struct config_report *report, const struct config_target_draft *draft)
{
	static char inbox[] = "INBOX";
	struct config_target *target = draft->target;

	target_need(report, draft, "host", "");
	if (target->folder == NULL)
		target->folder = inbox;
	target_complete_tls(target, target_is_given(draft, "tls"));
	target_check_tls(report, target);
	target_check_login(report, draft);
}

static void
target_check_http(
    struct config_report *report, const struct config_target_draft *draft)
{
	const struct config_target *target = draft->target;

	target_need(report, draft, "url", "");
	if (target->url != NULL && !target->allow_cleartext &&
	    config_url_shows(target->url))
		config_report_error(report, target->file, target->line,
		    "[target %s]: url begins with http:// and would show mail "
		    "to the network; expected https:// (or "
		    "allow_cleartext = yes)",
		    target->name);
}

/* A path may be missing, and a command that is for no shell has words. */
static void
target_check_files(struct config_report *report,
    const struct config_target *target, bool looks_for_files)
{
	if (looks_for_files && target->path != NULL)
		config_place_check(report, target->file, target->line,
		    target->path, target->type == CONFIG_TARGET_MAILDIR);
	if (target->command == NULL)
		return;
	if (!target->shell && !evpop_words_are_whole(target->command))
		config_report_error(report, target->file, target->line,
		    "[target %s]: command: a quote is not closed, or the "
		    "command ends with a backslash",
		    target->name);
	else if (looks_for_files)
		config_program_check(report, target->file, target->line,
		    "command", target->command, target->shell);
}

/* rspamd gets the whole message. */
static void
target_check_rspamd(
    struct config_report *report, const struct config_target *target)
{
	if (target->rspamd != NULL && !target->allow_cleartext &&
	    config_url_shows(target->rspamd))
		config_report_error(report, target->file, target->line,
		    "[target %s]: rspamd begins with http:// and would show "
		    "mail to the network; expected https:// (or "
		    "allow_cleartext = yes)",
		    target->name);
}

static void
target_check_retries(
    struct config_report *report, const struct config_target *target)
{
	char least[24], most[24];

	if (target->retry_min_ms <= target->retry_max_ms)
		return;
	evpop_unit_text(
	    target->retry_min_ms, evpop_unit_durations, least, sizeof(least));
	evpop_unit_text(
	    target->retry_max_ms, evpop_unit_durations, most, sizeof(most));
	config_report_error(report, target->file, target->line,
	    "[target %s]: retry_min = %s is longer than retry_max = %s",
	    target->name, least, most);
}

static void
target_check(struct config_report *report,
    const struct config_target_draft *draft, struct evpop_arena *arena,
    bool looks_for_files)
{
	const struct config_target *target = draft->target;

	if (!target_is_given(draft, "type")) {
		config_report_error(report, target->file, target->line,
		    "[target %s]: type is missing; expected type = maildir, "
		    "mbox, lmtp, pipe, imap, http or gmail",
		    target->name);
		return;
	}
	/* A bad value was reported. */
	if (target->type == CONFIG_TARGET_COUNT)
		return;
	target_check_keys(report, draft);
	target_check_retries(report, target);
	target_check_rspamd(report, target);
	target_check_sources(report, target, "password", &target->password);
	target_check_sources(report, target, "secret", &target->secret);
	switch (target->type) {
	case CONFIG_TARGET_MAILDIR:
	case CONFIG_TARGET_MBOX:
		target_need(report, draft, "path", "");
		break;
	case CONFIG_TARGET_LMTP:
		target_check_lmtp(report, draft);
		break;
	case CONFIG_TARGET_PIPE:
		target_need(report, draft, "command", "");
		break;
	case CONFIG_TARGET_IMAP:
		target_check_imap(report, draft);
		break;
	case CONFIG_TARGET_HTTP:
		target_check_http(report, draft);
		break;
	case CONFIG_TARGET_GMAIL:
		config_gmail_check(report, draft, arena);
		break;
	case CONFIG_TARGET_COUNT:
		break;
	}
	target_check_files(report, target, looks_for_files);
}

/* ---- all of them ---- */

static int
draft_compare_names(const void *a, const void *b)
{
	const struct config_target_draft *left = a, *right = b;
	int order = strcmp(left->target->name, right->target->name);

	return order != 0 ? order
			  : (left->order > right->order) -
				(left->order < right->order);
}

static void
targets_sort(struct config_targets *targets)
{
	if (targets->count > 0)
		qsort(targets->drafts, targets->count, sizeof(*targets->drafts),
		    draft_compare_names);
}

static int
draft_compare_name(const void *name, const void *draft_p)
{
	const struct config_target_draft *draft = draft_p;

	return strcmp(name, draft->target->name);
}

/* Of the sections, which are sorted. */
static const struct config_target *
targets_find(const struct config_targets *targets, const char *name)
{
	const struct config_target_draft *found = NULL;

	if (targets->section_count > 0)
		found = bsearch(name, targets->drafts, targets->section_count,
		    sizeof(*targets->drafts), draft_compare_name);
	return found == NULL ? NULL : found->target;
}

/* The name that was meant, as the end of a message. */
static const char *
targets_suggest(const struct config_targets *targets, const char *name)
{
	struct evpop_near near = { 0 };

	for (size_t i = 0; i < targets->section_count; i++)
		evpop_near_consider(
		    &near, name, targets->drafts[i].target->name);
	return near.word;
}

static void
targets_check_spam(
    const struct config_targets *targets, struct config_report *report)
{
	for (size_t i = 0; i < targets->count; i++) {
		const struct config_target *target = targets->drafts[i].target;
		const char *spam = target->spam_target;
		const struct config_target *other;

		if (spam == NULL)
			continue;
		if (target->rspamd == NULL)
			config_report_error(report, target->file, target->line,
			    "[target %s]: spam_target without rspamd",
			    target->name);
		other = targets_find(targets, spam);
		if (other == NULL)
			config_report_error(report, target->file, target->line,
			    "[target %s]: spam_target: there is no [target "
			    "%.64s]",
			    target->name, spam);
		else if (strcmp(spam, target->name) == 0)
			config_report_error(report, target->file, target->line,
			    "[target %s]: spam_target is the target itself",
			    target->name);
		else if (other->spam_target != NULL)
			config_report_error(report, target->file, target->line,
			    "[target %s]: spam_target: [target %.64s] has a "
			    "spam_target, too; spam would not come to rest",
			    target->name, spam);
	}
}

void
config_targets_finish_sections(struct config_targets *targets,
    struct evpop_arena *arena, struct config_report *report)
{
	const struct config_target_draft *drafts = targets->drafts;

	for (size_t i = 0; i < targets->count; i++)
		target_check(
		    report, &drafts[i], arena, targets->looks_for_files);
	targets_sort(targets);
	targets->section_count = targets->count;
	for (size_t i = 1; i < targets->count; i++) {
		const struct config_target *a = drafts[i - 1].target;
		const struct config_target *b = drafts[i].target;

		if (strcmp(a->name, b->name) == 0)
			config_report_error(report, b->file, b->line,
			    "[target %s]: defined before at %s:%u", b->name,
			    a->file, a->line);
	}
	targets_check_spam(targets, report);
}

/* ---- what `deliver` says ---- */

static void
targets_add_described(struct config_targets *targets, struct evpop_arena *arena,
    const struct config_report_place *place, const char *item)
{
	const struct config_target_draft *draft =
	    config_targets_begin(targets, arena, place, item);

	if (draft == NULL)
		return;
	if (!config_deliver_describe(item, arena, draft->target)) {
		config_report_no_memory(place->report);
		return;
	}
	target_complete_tls(draft->target, false);
	target_check_files(
	    place->report, draft->target, targets->looks_for_files);
}

void
config_targets_resolve(struct config_targets *targets,
    struct evpop_arena *arena, const struct config_report_place *place,
    const char *who, const struct config_strings *deliver)
{
	for (size_t i = 0; i < deliver->count; i++) {
		const char *item = deliver->items[i], *meant;

		if (config_deliver_is_description(item)) {
			targets_add_described(targets, arena, place, item);
			continue;
		}
		if (targets_find(targets, item) != NULL)
			continue;
		meant = targets_suggest(targets, item);
		config_report_error(place->report, place->file, place->line,
		    "%s: there is no [target %s]%s%s%s", who, item,
		    meant == NULL ? "" : "; did you mean ",
		    meant == NULL ? "" : meant, meant == NULL ? "" : "?");
	}
}

/* It works, but each is looked after by itself. */
static void
targets_warn_of_many(struct config_report *report,
    const struct config_target *const *list, size_t count)
{
	const struct config_target *last = NULL;
	size_t described = 0;

	for (size_t i = 0; i < count; i++) {
		if (!config_deliver_is_description(list[i]->name))
			continue;
		last = list[i];
		described++;
	}
	if (described > DESCRIBED_MANY)
		config_report_warning(report, last->file, last->line,
		    "deliver: accounts describe %zu targets, this is the last "
		    "one; one target with a template, such as "
		    "maildir:/PATH/{user}, serves them all",
		    described);
}

const struct config_target **
config_targets_list(struct config_targets *targets, struct evpop_arena *arena,
    struct config_report *report, size_t *count_r)
{
	const struct config_target **list =
	    evpop_arena_take(arena, (targets->count + 1) * sizeof(*list));
	size_t count = 0;

	*count_r = 0;
	if (list == NULL) {
		config_report_no_memory(report);
		return NULL;
	}
	targets_sort(targets);
	/* What several accounts describe alike is one target. */
	for (size_t i = 0; i < targets->count; i++)
		if (count == 0 || strcmp(list[count - 1]->name,
				      targets->drafts[i].target->name) != 0)
			list[count++] = targets->drafts[i].target;
	*count_r = count;
	targets_warn_of_many(report, list, count);
	return list;
}
