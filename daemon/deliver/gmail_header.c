#include "daemon/deliver/gmail_header.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/header.h"

/* As much of a message as its Message-ID is looked for in. */
#define HEADER_MOST ((size_t)256 * 1024)

void
gmail_header_clear(struct gmail_header *header)
{
	free(header->octets);
	*header = (struct gmail_header){ 0 };
}

/* Whether the header is all there, or nothing more of it is kept. */
static bool
header_keep(
    struct gmail_header *header, const unsigned char *octets, size_t length)
{
	const struct parcel *parcel = header->parcel;
	struct mail_header_edge edge;
	size_t room = HEADER_MOST - header->length;
	size_t at = (size_t)parcel->front_octets, size;

	if (length > room)
		length = room;
	memcpy(header->octets + header->length, octets, length);
	header->length += length;
	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	if (header->length == HEADER_MOST)
		return true;
	return mail_header_find_end(
	    &edge, header->octets, header->length, &at, &size);
}

static void
header_cut(struct gmail_header *header)
{
	const struct parcel *parcel = header->parcel;
	size_t front = (size_t)parcel->front_octets, body;

	if (front > header->length)
		front = header->length;
	header->length -= front;
	memmove(header->octets, header->octets + front, header->length);
	header->length =
	    mail_header_split(header->octets, header->length, &body);
}

static void header_go_on(struct gmail_header *);

static void
header_take(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct gmail_header *header = arg;

	if (read == PARCEL_FAILED) {
		header->cb(GMAIL_HEADER_UNREAD, header->arg);
		return;
	}
	if (read == PARCEL_PIECE && !header_keep(header, octets, length)) {
		header_go_on(header);
		return;
	}
	header_cut(header);
	header->cb(GMAIL_HEADER_READ, header->arg);
}

static void
header_go_on(struct gmail_header *header)
{
	header->is_again = true;
	if (header->is_inside)
		return;
	header->is_inside = true;
	while (header->is_again) {
		header->is_again = false;
		parcel_next(header->parcel, header_take, header);
	}
	header->is_inside = false;
}

void
gmail_header_read(struct gmail_header *header, struct parcel *parcel,
    gmail_header_cb cb, void *arg)
{
	*header =
	    (struct gmail_header){ .parcel = parcel, .cb = cb, .arg = arg };
	header->octets = malloc(HEADER_MOST);
	if (header->octets == NULL)
		cb(GMAIL_HEADER_NO_MEMORY, arg);
	else
		header_go_on(header);
}
