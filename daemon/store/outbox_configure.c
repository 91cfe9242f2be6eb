#include <stdlib.h>

#include "daemon/store/outbox.h"
#include "daemon/store/private.h"
#include "daemon/store/routing.h"
#include "daemon/store/writer.h"

struct configure_op {
	struct store_op op;
	struct store_routing *routing; /* once it is taken, the former one */
	bool is_taken;
	store_done_cb done;
	void *arg;
};

/* Also where nothing can be written: what comes later goes by it. */
static void
configure_take(struct configure_op *configure, struct store_writer *writer)
{
	if (!configure->is_taken)
		store_routing_swap(
		    configure->routing, store_writer_routing(writer));
	configure->is_taken = true;
}

static enum store_status
configure_write(struct store_writer *writer, struct store_op *op)
{
	configure_take((struct configure_op *)op, writer);
	return store_routing_apply(store_writer_routing(writer),
	    store_writer_db(writer), store_writer_targets(writer));
}

static void
configure_undone(
    struct store_writer *writer, struct store_op *op, enum store_status status)
{
	(void)status;
	configure_take((struct configure_op *)op, writer);
}

static void
configure_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct configure_op *configure = (const struct configure_op *)op;

	(void)store;
	configure->done(status, configure->arg);
}

static void
configure_clear(struct store_op *op)
{
	store_routing_free(((struct configure_op *)op)->routing);
}

static const struct store_op_type configure_type = {
	.write = configure_write,
	.undone = configure_undone,
	.answer = configure_answer,
	.clear = configure_clear,
};

void
store_outbox_configure(struct store *store,
    const struct store_delivering *accounts, size_t count, store_done_cb done,
    void *arg)
{
	struct configure_op *configure =
	    store_op_new(&configure_type, sizeof(*configure));

	if (configure != NULL)
		configure->routing = store_routing_new(accounts, count);
	if (configure == NULL || configure->routing == NULL) {
		free(configure);
		done(STORE_MEMORY, arg);
		return;
	}
	configure->done = done;
	configure->arg = arg;
	store_submit(store, &configure->op);
}
