#include "daemon/config/suggest.h"

#include <string.h>

#include "daemon/config/foreign.h"
#include "lib/base/near.h"

#define DESCRIBED_SIZE 224

void
config_suggest_section(
    const struct config_report_place *place, const char *name)
{
	static const char *const known[] = { "daemon", "store", "control",
		"defaults", "account" };
	struct evpop_near near = { 0 };
	size_t length = strcspn(name, " \t");
	char word[32] = "";

	if (length < sizeof(word)) {
		memcpy(word, name, length);
		word[length] = '\0';
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		evpop_near_consider(&near, word, known[i]);
	if (near.word == NULL)
		config_report_error(place->report, place->file, place->line,
		    "[%.64s]: unknown section; expected [daemon], [store], "
		    "[control], [defaults] or [account NAME]",
		    name);
	else
		config_report_error(place->report, place->file, place->line,
		    "[%.64s]: unknown section; did you mean [%s%s]?", name,
		    near.word,
		    strcmp(near.word, "account") == 0 ? " NAME" : "");
}

/* The key nearest to it, or NULL; *elsewhere_r has it in another section. */
static const char *
suggest_find_near(const struct config_suggest_key *given,
    const struct config_option **elsewhere_r)
{
	struct evpop_near near = { 0 };

	*elsewhere_r = NULL;
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (option->scope == given->scope && !option->deletes)
			evpop_near_consider(&near, given->key, option->key);
		if (option->scope != given->scope &&
		    strcmp(option->key, given->key) == 0)
			*elsewhere_r = option;
	}
	return near.word;
}

const char *
config_suggest_key(const struct config_report_place *place,
    const struct config_suggest_key *given)
{
	bool is_account = given->scope == CONFIG_SCOPE_ACCOUNT;
	const struct config_option *elsewhere;
	char described[DESCRIBED_SIZE];
	const char *meant;

	if (is_account && config_foreign_describe(given->key, given->value,
			      described, sizeof(described), &meant)) {
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key, %s", given->key, described);
		return meant;
	}
	meant = suggest_find_near(given, &elsewhere);
	if (elsewhere != NULL) {
		config_report_error(place->report, place->file, place->line,
		    "%s: belongs in [%s%s]", given->key,
		    config_scope_name(elsewhere->scope),
		    elsewhere->scope == CONFIG_SCOPE_ACCOUNT
			? " NAME] or [defaults"
			: "");
		return NULL;
	}
	if (meant != NULL)
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key; did you mean %s?", given->key, meant);
	else
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key; evpopd.conf(5) lists those of [%s%s]",
		    given->key,
		    given->in_defaults ? "defaults"
				       : config_scope_name(given->scope),
		    is_account && !given->in_defaults ? " NAME" : "");
	return meant;
}

const char *
config_suggest_words(const struct config_report_place *place,
    enum config_scope scope, const char *text)
{
	size_t length = strcspn(text, " \t");
	const char *rest = text + length, *meant;
	const struct config_option *option = NULL;
	char key[64] = "", described[DESCRIBED_SIZE];

	rest += strspn(rest, " \t");
	if (length < sizeof(key))
		memcpy(key, text, length);
	if (scope == CONFIG_SCOPE_ACCOUNT &&
	    config_foreign_describe(key, *rest == '\0' ? NULL : rest, described,
		sizeof(described), &meant)) {
		config_report_error(place->report, place->file, place->line,
		    "expected KEY = VALUE; %s is a key %s", key, described);
		return meant;
	}
	config_report_error(
	    place->report, place->file, place->line, "expected KEY = VALUE");
	if (scope < CONFIG_SCOPE_COUNT)
		option = config_option_find(scope, key);
	return option == NULL ? NULL : option->key;
}
