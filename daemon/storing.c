#include "daemon/storing.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/log/log.h"
#include "daemon/store/keeping.h"
#include "daemon/supervisor.h"

/*
 * 75 for what may pass by itself, and for the rest what kind of person has to
 * see to it.
 */
int
storing_exit(enum store_status status)
{
	static const int codes[] = {
		[STORE_OK] = EX_OK,
		[STORE_FULL] = EX_TEMPFAIL,
		[STORE_IO] = EX_IOERR,
		[STORE_BUSY] = EX_TEMPFAIL,
		[STORE_READ_ONLY] = EX_NOPERM,
		[STORE_DAMAGED] = EX_DATAERR,
		[STORE_NEWER] = EX_CONFIG,
		[STORE_NOT_FOUND] = EX_SOFTWARE,
		[STORE_MEMORY] = EX_OSERR,
		[STORE_CLOSED] = EX_SOFTWARE,
		[STORE_REPLACED] = EX_TEMPFAIL,
		[STORE_SLOW] = EX_TEMPFAIL,
		[STORE_SEALED] = EX_NOPERM,
		[STORE_NO_KEY] = EX_CONFIG,
	};

	_Static_assert(sizeof(codes) / sizeof(codes[0]) == STORE_STATUS_COUNT,
	    "an exit code for each status");
	return codes[status];
}

/* False, after saying why, where mail cannot be sealed as it is to be. */
static bool
storing_set_keys(const struct config *configured, const struct keys *keys,
    struct store_config *config, unsigned char seal_to[SECRET_KEY_SIZE],
    unsigned char digest_key[SECRET_KEY_SIZE])
{
	char error[SECRET_KEY_ERROR];

	if (keys->key != NULL) {
		secret_key_derive(keys->key, SECRET_KEY_DIGESTS, digest_key);
		config->digest_key = digest_key;
	}
	if (configured->store_seal_to == NULL)
		return true;
	if (keys_read_seal_to(keys, configured, seal_to, error, sizeof error)) {
		config->seal_to = seal_to;
		return true;
	}
	log_write(LOG_LEVEL_ERROR, NULL, "[store] %s", error);
	supervisor_status(error);
	return false;
}

int
storing_open(struct store **store_r, struct event_base *base,
    struct notify *notify, const struct config *configured,
    const struct keys *keys)
{
	unsigned char seal_to[SECRET_KEY_SIZE], digest_key[SECRET_KEY_SIZE];
	struct store_config config = {
		.path = configured->store_path,
		.pack_level = configured->store_compress == CONFIG_COMPRESS_ZSTD
				  ? STORE_PACK_LEVEL
				  : 0,
		.queue_octets = (size_t)configured->memory_limit,
		.notify = notify,
	};
	enum store_status status;
	struct store_error error;

	*store_r = NULL;
	if (!storing_set_keys(configured, keys, &config, seal_to, digest_key))
		return EX_CONFIG;
	status = store_open(store_r, &config, base, &error);
	explicit_bzero(digest_key, sizeof digest_key);
	if (status == STORE_OK)
		return EX_OK;
	log_write(LOG_LEVEL_ERROR, NULL, "%s", error.text);
	supervisor_status(error.text);
	return storing_exit(error.status);
}

void
storing_configure_keeping(struct store *store, const struct config *config)
{
	const size_t count = config->account_count;
	struct store_retained *accounts = calloc(count + 1, sizeof(*accounts));
	bool is_done = accounts != NULL;

	for (size_t i = 0; is_done && i < count; i++)
		accounts[i] = (struct store_retained){
			.account = config->accounts[i]->name,
			.retain_ms = config_account_retain_ms(
			    config, config->accounts[i]),
		};
	is_done =
	    is_done && store_keeping_configure(store, accounts, count,
			   config->store_deletion == CONFIG_DELETION_LOCKED);
	free(accounts);
	if (!is_done)
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: retain and deletion stay as they were");
}

struct store_clock
storing_look_at_clock(struct store *store, const struct store_clock *told)
{
	struct store_clock clock;
	char text[512];

	store_clock(store, &clock);
	if (clock.times_set != told->times_set) {
		store_clock_set_text(&clock, text, sizeof text);
		log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
	}
	if (clock.is_behind) {
		store_clock_behind_text(&clock, text, sizeof text);
		log_write(LOG_LEVEL_WARNING, NULL, "%s; %s", text,
		    store_clock_hint());
	} else if (told->is_behind)
		log_write(LOG_LEVEL_INFO, NULL, "the clock is plausible again");
	return clock;
}
