/* A store's answers about the keys of sealed mail: one key, one that is put. */
#include "daemon/store/reseal.h"

void
store_sealed_keys(struct store *store, enum store_reseal_of of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE], int64_t after_id,
    unsigned limit, store_sealed_keys_cb done, void *arg)
{
	static const struct store_sealed_key row = { .id = 7 };

	(void)store;
	(void)of;
	(void)recipient;
	(void)after_id;
	(void)limit;
	done(STORE_OK, &row, 1, false, arg);
}

void
store_reseal(struct store *store, enum store_reseal_of of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE],
    const struct store_resealed *items, size_t count, store_reseal_cb done,
    void *arg)
{
	const struct store_reseal_answer answer = { .resealed = count };

	(void)store;
	(void)of;
	(void)recipient;
	(void)items;
	done(STORE_OK, &answer, arg);
}
