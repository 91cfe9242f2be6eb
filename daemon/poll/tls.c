#include "daemon/poll/tls.h"

#include <stdlib.h>
#include <string.h>

struct tls_entry {
	struct tls_entry *next;
	struct evpop_tls_context *context;
	char *key; /* all that makes it what it is, a line each */
};

static size_t
length_of(const char *text)
{
	return text == NULL ? 0 : strlen(text);
}

static char *
append(char *at, const char *text)
{
	return stpcpy(stpcpy(at, text == NULL ? "" : text), "\n");
}

static char *
make_key(const struct config_account *account)
{
	const struct config_strings *pins = &account->tls_pin;
	size_t i, length;
	char *key, *at;

	length = length_of(account->tls_ca) + length_of(account->tls_cert) +
		 length_of(account->tls_key) + 4;
	for (i = 0; i < pins->count; i++)
		length += strlen(pins->items[i]) + 1;
	key = malloc(length);
	if (key == NULL)
		return NULL;
	at = append(key, account->tls_ca);
	at = append(at, account->tls_cert);
	at = append(at, account->tls_key);
	for (i = 0; i < pins->count; i++)
		at = append(at, pins->items[i]);
	return key;
}

static struct tls_entry *
make_entry(const struct config_account *account, struct evpop_result *result)
{
	const struct evpop_tls_options options = {
		.ca = account->tls_ca,
		.cert = account->tls_cert,
		.key = account->tls_key,
		.pins = (const char *const *)account->tls_pin.items,
		.pin_count = account->tls_pin.count,
	};
	struct tls_entry *entry;

	entry = calloc(1, sizeof *entry);
	if (entry == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for TLS");
		return NULL;
	}
	entry->context = evpop_tls_context_new(&options, result);
	if (entry->context == NULL) {
		free(entry);
		return NULL;
	}
	return entry;
}

struct evpop_tls_context *
tls_get(struct tls_table *table, const struct config_account *account,
    struct evpop_result *result)
{
	struct tls_entry *entry;
	char *key;

	key = make_key(account);
	if (key == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for TLS");
		return NULL;
	}
	for (entry = table->entries; entry != NULL; entry = entry->next) {
		if (strcmp(entry->key, key) == 0) {
			free(key);
			return entry->context;
		}
	}
	entry = make_entry(account, result);
	if (entry == NULL) {
		free(key);
		return NULL;
	}
	entry->key = key;
	entry->next = table->entries;
	table->entries = entry;
	return entry->context;
}

void
tls_table_clear(struct tls_table *table)
{
	struct tls_entry *entry;

	while ((entry = table->entries) != NULL) {
		table->entries = entry->next;
		evpop_tls_context_free(entry->context);
		free(entry->key);
		free(entry);
	}
}
