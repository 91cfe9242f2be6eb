#include "wire_bio.h"

#include <stdlib.h>

struct wire {
	struct evbuffer *from;
	struct evbuffer *to;
};

static int
wire_read(BIO *bio, char *data, int size)
{
	struct wire *wire = BIO_get_data(bio);
	int taken;

	BIO_clear_retry_flags(bio);
	taken = evbuffer_remove(wire->from, data, (size_t)size);
	if (taken > 0)
		return taken;
	BIO_set_retry_read(bio);
	return -1;
}

static int
wire_write(BIO *bio, const char *data, int size)
{
	struct wire *wire = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return evbuffer_add(wire->to, data, (size_t)size) == 0 ? size : -1;
}

static long
wire_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int
wire_destroy(BIO *bio)
{
	free(BIO_get_data(bio));
	return 1;
}

static BIO_METHOD *
wire_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(
	    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "evbuffers");
	if (method == NULL)
		return NULL;
	BIO_meth_set_read(method, wire_read);
	BIO_meth_set_write(method, wire_write);
	BIO_meth_set_ctrl(method, wire_control);
	BIO_meth_set_destroy(method, wire_destroy);
	return method;
}

BIO *
wire_bio_new(struct evbuffer *from, struct evbuffer *to)
{
	struct wire *wire = calloc(1, sizeof *wire);
	BIO_METHOD *method = wire_method();
	BIO *bio;

	if (wire == NULL || method == NULL || (bio = BIO_new(method)) == NULL) {
		free(wire);
		return NULL;
	}
	wire->from = from;
	wire->to = to;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}
