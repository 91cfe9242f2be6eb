/* Templates of paths, folders and recipients: "{user}@{domain}". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "lib/base/text.h"

/* What a name in braces stands for. */
enum template_fact {
	TEMPLATE_ACCOUNT = 0,
	TEMPLATE_LOGIN,
	TEMPLATE_USER,
	TEMPLATE_DOMAIN,
	TEMPLATE_HOST,
	TEMPLATE_FACTS
};
static const char *const template_names[] = { "account", "login", "user",
	"domain", "host" };
_Static_assert(
    sizeof(template_names) / sizeof(template_names[0]) == TEMPLATE_FACTS,
    "a name for each");

/* A piece of a template: text as it is, or a fact. */
struct template_piece {
	const char *text; /* NULL: a fact */
	size_t length;
	enum template_fact fact;
};

/* False where it is no template; *at moves behind the piece. */
static bool
template_next(const char **at, struct template_piece *piece_r)
{
	const char *text = *at;
	size_t length = strcspn(text, "{}");

	*piece_r = (struct template_piece){ .text = text, .length = length };
	*at = text + length;
	if (length > 0)
		return true;
	if (text[0] == text[1]) { /* "{{" or "}}" is a brace */
		piece_r->length = 1;
		*at = text + 2;
		return true;
	}
	length = strcspn(text, "}");
	if (*text != '{' || text[length] == '\0')
		return false;
	*at = text + length + 1;
	*piece_r = (struct template_piece){ 0 };
	for (int i = 0; i < TEMPLATE_FACTS; i++) {
		if (strlen(template_names[i]) != length - 1 ||
		    memcmp(template_names[i], text + 1, length - 1) != 0)
			continue;
		piece_r->fact = (enum template_fact)i;
		return true;
	}
	return false;
}

const char *
config_template_problem(const char *text)
{
	struct template_piece piece;

	while (*text != '\0')
		if (!template_next(&text, &piece))
			return "{account}, {login}, {user}, {domain} or {host} "
			       "where there are braces ({{ for a brace)";
	return NULL;
}

static const char *
template_fact_find(const struct config_template_facts *facts,
    enum template_fact fact, size_t *length_r)
{
	const char *at = strrchr(facts->login, '@');
	const char *text = "";

	switch (fact) {
	case TEMPLATE_ACCOUNT:
		text = facts->account;
		break;
	case TEMPLATE_USER:
		text = facts->login;
		if (at != NULL) {
			*length_r = (size_t)(at - text);
			return text;
		}
		break;
	case TEMPLATE_LOGIN:
		text = facts->login;
		break;
	case TEMPLATE_DOMAIN:
		text = at != NULL ? at + 1 : facts->host;
		break;
	case TEMPLATE_HOST:
		text = facts->host;
		break;
	case TEMPLATE_FACTS:
		break;
	}
	*length_r = strlen(text);
	return text;
}

/*
 * A name that cannot be taken for more than one: what could be is written as
 * "=" and two hexadecimal digits, and so no two become the same.
 */
static void
template_put_name(FILE *out, const char *text, size_t length)
{
	size_t step;
	uint32_t code_point;

	if (length == 0)
		(void)fputc('=', out);
	for (size_t i = 0; i < length; i += step) {
		step = evpop_text_decode(text + i, length - i, &code_point);
		if (step == 0 || code_point == '/' || code_point == '=' ||
		    (i == 0 && code_point == '.') ||
		    evpop_text_kind(code_point) > EVPOP_TEXT_EMPTY) {
			step = 1;
			(void)fprintf(
			    out, "=%02X", (unsigned)(unsigned char)text[i]);
		} else {
			(void)fwrite(text + i, 1, step, out);
		}
	}
}

char *
config_template_expand(
    const char *text, const struct config_template_facts *facts, bool as_path)
{
	struct template_piece piece;
	char *made = NULL;
	size_t size = 0, length;
	const char *fact;
	FILE *out = open_memstream(&made, &size);

	if (out == NULL)
		return NULL;
	while (*text != '\0' && template_next(&text, &piece)) {
		if (piece.text != NULL) {
			(void)fwrite(piece.text, 1, piece.length, out);
			continue;
		}
		fact = template_fact_find(facts, piece.fact, &length);
		if (as_path)
			template_put_name(out, fact, length);
		else
			(void)fwrite(fact, 1, length, out);
	}
	if (ferror(out) != 0) {
		(void)fclose(out);
		free(made);
		return NULL;
	}
	if (fclose(out) != 0) {
		free(made);
		return NULL;
	}
	return made;
}
