#include "daemon/deliver/verdict_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/text.h"

/* RFC 5322 section 2.1.1: lines are folded before this column. */
#define VERDICT_COLUMNS 78
/* A symbol's name that is longer says nothing to people. */
#define VERDICT_SYMBOL      64
#define VERDICT_POINTS_MOST 99999.0

static void __attribute__((format(printf, 2, 3)))
verdict_add(struct verdict_read *read, const char *format, ...)
{
	size_t length = strlen(read->lines);
	va_list args;

	va_start(args, format);
	vsnprintf(
	    read->lines + length, sizeof(read->lines) - length, format, args);
	va_end(args);
}

/* ASCII that can stand in a header's field, whatever it was. */
static void
verdict_plain(const char *text, char *plain_r, size_t size)
{
	size_t i;

	for (i = 0; text[i] != '\0' && i + 1 < size; i++)
		plain_r[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	plain_r[i] = '\0';
}

static bool
verdict_is_symbol(const char *name)
{
	return name[0] != '\0' && strlen(name) <= VERDICT_SYMBOL &&
	       strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789_-.") == strlen(name);
}

/* Those that count, as far as there is room: "tests=A,B". */
static void
verdict_add_symbols(struct verdict_read *read, json_t *symbols)
{
	const char *name, *between = "\r\n\ttests=";
	size_t column = strlen("\ttests=");
	json_t *symbol;

	json_object_foreach(symbols, name, symbol)
	{
		double score =
		    json_number_value(json_object_get(symbol, "score"));

		if (!verdict_is_symbol(name) ||
		    (score > -0.005 && score < 0.005))
			continue;
		if (strlen(read->lines) + 2 * VERDICT_SYMBOL >
		    sizeof(read->lines))
			break;
		column += strlen(name) + 1;
		if (column > VERDICT_COLUMNS && between[0] == ',') {
			between = ",\r\n\t";
			column = strlen(name) + 1;
		}
		verdict_add(read, "%s%s", between, name);
		between = ",";
	}
}

/* What it takes to be called spam. */
static double
verdict_required(const json_t *json)
{
	const json_t *least =
	    json_object_get(json_object_get(json, "thresholds"), "add header");

	if (!json_is_number(least))
		least = json_object_get(json, "required_score");
	return json_number_value(least);
}

/* https://docs.rspamd.com: what it would do; the others are no spam. */
static bool
verdict_is_spam(const char *action)
{
	static const char *const actions[] = { "reject", "add header",
		"add_header", "rewrite subject", "rewrite_subject",
		"quarantine" };
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(action, actions[i]) == 0)
			return true;
	return false;
}

/* Numbers that people can read, whatever it says. */
static double
verdict_points(double points)
{
	if (points > VERDICT_POINTS_MOST)
		return VERDICT_POINTS_MOST;
	return points < -VERDICT_POINTS_MOST ? -VERDICT_POINTS_MOST : points;
}

static void
verdict_read_json(json_t *json, struct verdict_read *read)
{
	double score =
	    verdict_points(json_number_value(json_object_get(json, "score")));
	double required = verdict_points(verdict_required(json));
	char action[64];

	verdict_plain(json_string_value(json_object_get(json, "action")),
	    action, sizeof(action));
	read->is_spam = verdict_is_spam(action);
	snprintf(read->text, sizeof(read->text),
	    "rspamd says \"%s\", with %.2f points of %.2f", action, score,
	    required);
	verdict_add(read,
	    "X-Spam-Flag: %s\r\nX-Spam-Score: %.2f\r\nX-Spam-Action: %s\r\n"
	    "X-Spam-Status: %s, score=%.2f required=%.2f",
	    read->is_spam ? "YES" : "NO", score, action,
	    read->is_spam ? "Yes" : "No", score, required);
	verdict_add_symbols(read, json_object_get(json, "symbols"));
	verdict_add(read, "\r\n");
}

bool
verdict_read(const char *text, struct verdict_read *read_r)
{
	json_t *json = json_loads(text, 0, NULL);
	bool is_one = json_is_string(json_object_get(json, "action")) &&
		      json_is_number(json_object_get(json, "score"));

	*read_r = (struct verdict_read){ .is_spam = false };
	if (is_one)
		verdict_read_json(json, read_r);
	json_decref(json);
	return is_one;
}

void
verdict_read_none(const char *reason, struct verdict_read *read)
{
	char plain[VERDICT_TEXT];

	*read = (struct verdict_read){ .is_spam = false };
	(void)evpop_text_printable(
	    read->text, sizeof(read->text), reason, strlen(reason));
	verdict_plain(reason, plain, sizeof(plain));
	verdict_add(read, "X-Spam-Status: Unknown,\r\n\t%s\r\n", plain);
}
