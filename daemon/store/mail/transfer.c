#include "daemon/store/mail/transfer.h"

#include <string.h>
#include <strings.h>

#include "lib/base/hex.h"

/* ---- names ---- */

enum mail_transfer_encoding
mail_transfer_named(const char *value, size_t length)
{
	static const struct {
		const char *name;
		enum mail_transfer_encoding encoding;
	} names[] = {
		{ "base64", MAIL_TRANSFER_BASE64 },
		{ "base-64", MAIL_TRANSFER_BASE64 },
		{ "quoted-printable", MAIL_TRANSFER_QUOTED_PRINTABLE },
		{ "quoted/printable", MAIL_TRANSFER_QUOTED_PRINTABLE },
		{ "x-uu", MAIL_TRANSFER_UUENCODE },
		{ "uu", MAIL_TRANSFER_UUENCODE },
		{ "x-yenc", MAIL_TRANSFER_OTHER },
	};

	while (length > 0 && strchr(" \t\r\n\"'", *value) != NULL) {
		value++;
		length--;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t wanted = strlen(names[i].name);

		if (length >= wanted &&
		    strncasecmp(value, names[i].name, wanted) == 0)
			return names[i].encoding;
	}
	return MAIL_TRANSFER_IDENTITY;
}

void
mail_transfer_init(
    struct mail_transfer *transfer, enum mail_transfer_encoding encoding)
{
	memset(transfer, 0, sizeof(*transfer));
	transfer->encoding = encoding;
}

/* ---- base64 ---- */

/* -1: no digit. */
static int
transfer_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool
mail_transfer_is_base64_line(const char *line, size_t length)
{
	size_t digits = 0;

	while (length > 0 && strchr(" \t", *line) != NULL) {
		line++;
		length--;
	}
	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
		length--;
	for (size_t i = 0; i < length; i++) {
		if (transfer_digit(line[i]) >= 0)
			digits++;
		else if (line[i] != '=')
			return false;
	}
	return digits >= 2;
}

/* Two digits make an octet, three make two, four make three. */
static void
transfer_flush(struct mail_transfer *transfer, struct mail_text *to)
{
	uint32_t bits = transfer->bits << (4 - transfer->digits) * 6;
	char octets[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };

	if (transfer->digits > 1) {
		mail_text_add(to, octets, transfer->digits - 1);
		transfer->last = octets[transfer->digits - 2];
	}
	transfer->bits = 0;
	transfer->digits = 0;
}

/*
 * A footer that was encoded by itself begins a word; but a character that only
 * an encoder has cut does not.
 */
static void
transfer_separate(struct mail_transfer *transfer, struct mail_text *to)
{
	if (transfer->is_padded && transfer->is_text &&
	    (unsigned char)transfer->last > ' ' &&
	    (unsigned char)transfer->last < 0x80)
		mail_text_add(to, "\n", 1);
	transfer->is_padded = false;
}

static void
transfer_add_base64(struct mail_transfer *transfer, struct mail_text *to,
    const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		int digit = transfer_digit(bytes[i]);

		if (bytes[i] == '=') {
			transfer_flush(transfer, to);
			transfer->is_padded = true;
		}
		if (digit < 0)
			continue;
		transfer_separate(transfer, to);
		transfer->bits = transfer->bits << 6 | (uint32_t)digit;
		if (++transfer->digits == 4)
			transfer_flush(transfer, to);
	}
}

/* ---- quoted-printable ---- */

/* Bytes that were held back are taken literally. */
static void
transfer_release(struct mail_transfer *transfer, struct mail_text *to)
{
	mail_text_add(to, transfer->held, transfer->held_length);
	transfer->held_length = 0;
}

/* The octet behind "=", or behind "=" and a digit. */
static void
transfer_take_escaped(
    struct mail_transfer *transfer, struct mail_text *to, char c)
{
	const char digits[2] = { transfer->held[1], c };
	int octet;

	if (transfer->held_length == 1 && evpop_hex_value(c) >= 0) {
		transfer->held[transfer->held_length++] = c;
		return;
	}
	octet = transfer->held_length == 2 ? evpop_hex_octet(digits) : -1;
	if (octet != -1) {
		c = (char)octet;
		transfer->held_length = 0;
		mail_text_add(to, &c, 1);
		return;
	}
	if (transfer->held_length == 1 && strchr(" \t\r\n", c) != NULL &&
	    c != '\0') {
		/* A soft line break, and blanks that came in between. */
		if (c == '\n')
			transfer->held_length = 0;
		return;
	}
	transfer_release(transfer, to);
	if (c == '=')
		transfer->held[transfer->held_length++] = c;
	else
		mail_text_add(to, &c, 1);
}

static void
transfer_add_quoted(struct mail_transfer *transfer, struct mail_text *to,
    const char *bytes, size_t length)
{
	const char *end = bytes + length;

	while (bytes < end) {
		const char *equals;

		if (transfer->held_length > 0) {
			transfer_take_escaped(transfer, to, *bytes++);
			continue;
		}
		equals = memchr(bytes, '=', (size_t)(end - bytes));
		if (equals == NULL)
			equals = end;
		mail_text_add(to, bytes, (size_t)(equals - bytes));
		bytes = equals;
		if (bytes < end)
			transfer->held[transfer->held_length++] = *bytes++;
	}
}

/* ---- all of them ---- */

void
mail_transfer_add(struct mail_transfer *transfer, struct mail_text *to,
    const char *bytes, size_t length)
{
	switch (transfer->encoding) {
	case MAIL_TRANSFER_IDENTITY:
		mail_text_add(to, bytes, length);
		break;
	case MAIL_TRANSFER_QUOTED_PRINTABLE:
		transfer_add_quoted(transfer, to, bytes, length);
		break;
	case MAIL_TRANSFER_BASE64:
		transfer_add_base64(transfer, to, bytes, length);
		break;
	case MAIL_TRANSFER_UUENCODE:
	case MAIL_TRANSFER_OTHER:
		break;
	}
}

void
mail_transfer_end(struct mail_transfer *transfer, struct mail_text *to)
{
	if (transfer->encoding == MAIL_TRANSFER_BASE64)
		transfer_flush(transfer, to);
	else
		transfer_release(transfer, to);
}
