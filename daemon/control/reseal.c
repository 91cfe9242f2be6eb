/*
 * The keys of sealed mail, for who changes the key that it is sealed to: the
 * daemon gives them out as they are kept, and takes them back sealed anew.
 */
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/reseal.h"
#include "lib/base/hex.h"

/* As many as fit into a request. */
#define KEYS_MAX 100

/* ---- what is asked for ---- */

/* False, after answering, where a parameter is wrong. */
static bool
keys_read_parameters(struct exchange *exchange, enum store_reseal_of *of_r,
    unsigned char recipient_r[SEALING_RECIPIENT_SIZE])
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *of = parameters_text(parameters, "of");
	const char *recipient = parameters_text(parameters, "recipient");
	struct problem problem;

	*of_r = of != NULL && strcmp(of, "quarantine") == 0
		    ? STORE_RESEAL_QUARANTINE
		    : STORE_RESEAL_MESSAGES;
	if (of != NULL && *of_r == STORE_RESEAL_MESSAGES &&
	    strcmp(of, "messages") != 0)
		problem_set(&problem, "expected messages or quarantine",
		    "invalid of \"%.64s\"", of);
	else if (recipient == NULL || !evpop_hex_decode(recipient, recipient_r,
					  SEALING_RECIPIENT_SIZE))
		problem_set(&problem,
		    "the first 8 octets of the digest of a public key, in "
		    "hexadecimal",
		    "invalid recipient \"%.64s\"",
		    recipient != NULL ? recipient : "");
	else
		return true;
	exchange_answer_problem(exchange, &problem);
	return false;
}

/* ---- GET /v1/store/keys ---- */

static json_t *
key_json(const struct store_sealed_key *row)
{
	char key[2 * SEALING_KEY_SIZE + 1];
	json_t *json = json_object();

	evpop_hex_encode(row->key, sizeof(row->key), key);
	field_value(json, "id", json_integer(row->id));
	field_text(json, "key", key);
	return json;
}

static void
keys_rows(enum store_status status, const struct store_sealed_key *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, key_json(&rows[i]));
	exchange_answer_rows(
	    exchange, "keys", list, more && count > 0 ? rows[count - 1].id : 0);
}

void
keys_list(struct exchange *exchange)
{
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	enum store_reseal_of of;
	unsigned limit;
	int64_t after_id;

	if (!exchange_page(exchange, &limit, &after_id) ||
	    !keys_read_parameters(exchange, &of, recipient))
		return;
	exchange_wait(exchange);
	store_sealed_keys(exchange_context(exchange)->store, of, recipient,
	    after_id, limit, keys_rows, exchange);
}

/* ---- POST /v1/store/keys ---- */

static bool
item_read_hex(
    const json_t *json, const char *name, unsigned char *bytes_r, size_t size)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL && evpop_hex_decode(text, bytes_r, size);
}

static bool
item_read(const json_t *json, struct store_resealed *item_r)
{
	item_r->id = json_integer_value(json_object_get(json, "id"));
	return item_r->id > 0 &&
	       item_read_hex(json, "old", item_r->old, sizeof(item_r->old)) &&
	       item_read_hex(json, "key", item_r->key, sizeof(item_r->key));
}

/* How many there are; 0, after answering, where they make no sense. */
static size_t
items_read(struct exchange *exchange, struct store_resealed items_r[KEYS_MAX])
{
	const unsigned char *body;
	size_t length = exchange_body(exchange, &body), count = 0;
	json_t *json = body != NULL
			   ? json_loadb((const char *)body, length, 0, NULL)
			   : NULL;
	const json_t *keys = json_object_get(json, "keys");
	size_t all = json_array_size(keys);

	while (count < all && all <= KEYS_MAX &&
	       item_read(json_array_get(keys, count), &items_r[count]))
		count++;
	json_decref(json);
	if (count > 0 && count == all)
		return count;
	exchange_answer(exchange,
	    response_error(400, "bad_body",
		"expected {\"keys\": [{\"id\", \"old\", \"key\"}]}, at most "
		"100 of them",
		"the body makes no sense"));
	return 0;
}

static void
keys_resealed(enum store_status status,
    const struct store_reseal_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	if (answer->is_other_recipient) {
		exchange_answer(exchange,
		    response_error(409, "other_recipient",
			"set [store] seal_to to the new key and restart evpopd "
			"first: then new mail has it already",
			"new mail is not sealed to this key"));
		return;
	}
	json = json_object();
	field_count(json, "resealed", answer->resealed);
	field_count(json, "changed", answer->changed);
	exchange_answer(exchange, response_json(200, json));
}

void
keys_post(struct exchange *exchange)
{
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	struct store_resealed items[KEYS_MAX];
	enum store_reseal_of of;
	size_t count;

	if (!keys_read_parameters(exchange, &of, recipient))
		return;
	count = items_read(exchange, items);
	if (count == 0)
		return;
	exchange_wait(exchange);
	store_reseal(exchange_context(exchange)->store, of, recipient, items,
	    count, keys_resealed, exchange);
}
