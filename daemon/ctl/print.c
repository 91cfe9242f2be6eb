#include "daemon/ctl/print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/wrap.h"
#include "daemon/notify/tally.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* The width of a progress bar, and room for its line. */
#define BAR_WIDTH 20
#define LINE_SIZE 160

/* The labels of details. */
#define LABEL_WIDTH 14

/* Room for what is between the braces of a form. */
#define PLACE_SIZE 64

/* ---- phrases ---- */

void
phrase_begin(struct phrase *phrase_r)
{
	phrase_r->text[0] = '\0';
	phrase_r->length = 0;
}

static void
phrase_advance(struct phrase *phrase, int written)
{
	size_t room = sizeof(phrase->text) - phrase->length;

	if (written > 0)
		phrase->length +=
		    (size_t)written < room ? (size_t)written : room - 1;
}

static void phrase_append(struct phrase *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
phrase_append(struct phrase *phrase, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	phrase_advance(phrase,
	    vsnprintf(phrase->text + phrase->length,
		sizeof(phrase->text) - phrase->length, format, arguments));
	va_end(arguments);
}

void
phrase_add(struct phrase *phrase, const char *format, ...)
{
	va_list arguments;

	if (phrase->length > 0)
		phrase_append(phrase, ", ");
	va_start(arguments, format);
	phrase_advance(phrase,
	    vsnprintf(phrase->text + phrase->length,
		sizeof(phrase->text) - phrase->length, format, arguments));
	va_end(arguments);
}

/* ---- colours ---- */

const char *
print_colour_begin(enum print_colour colour)
{
	static const char *const colours[] = { NULL, "\033[32m", "\033[33m",
		"\033[31m" };

	_Static_assert(
	    sizeof(colours) / sizeof(colours[0]) == PRINT_COLOUR_COUNT,
	    "a sequence for each colour");
	return colours[colour];
}

/* ---- times ---- */

/* "3 min ago", "in 2 h", "just now". */
static void
time_write_age(time_t time, time_t now, char text_r[PRINT_TIME_SIZE])
{
	char span[EVPOP_UNIT_SIZE];

	if (time == now)
		snprintf(text_r, PRINT_TIME_SIZE, "just now");
	else if (time < now)
		snprintf(text_r, PRINT_TIME_SIZE, "%s ago",
		    evpop_unit_about(now - time, span));
	else
		snprintf(text_r, PRINT_TIME_SIZE, "in %s",
		    evpop_unit_about(time - now, span));
}

/* "14:05" today, "Tue 14:05" this week, "12 Mar" this year, "2024-02-29". */
static void
time_write_date(time_t time, time_t now, char text_r[PRINT_TIME_SIZE])
{
	struct tm then, today;

	if (localtime_r(&time, &then) == NULL ||
	    localtime_r(&now, &today) == NULL)
		snprintf(text_r, PRINT_TIME_SIZE, "-");
	else if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
		strftime(text_r, PRINT_TIME_SIZE, "%H:%M", &then);
	else if (time < now && now - time < 6 * 24 * 60 * 60)
		strftime(text_r, PRINT_TIME_SIZE, "%a %H:%M", &then);
	else if (then.tm_year == today.tm_year)
		strftime(text_r, PRINT_TIME_SIZE, "%e %b", &then);
	else
		strftime(text_r, PRINT_TIME_SIZE, "%Y-%m-%d", &then);
}

const char *
print_time(const struct ctl *ctl, const json_t *object, const char *member,
    enum print_kind kind, char text_r[PRINT_TIME_SIZE])
{
	const char *text = ctl_text(object, member);
	int64_t now_ms = evpop_clock_unix_ms(), time_ms;
	bool is_short = text != NULL && ctl->is_terminal &&
			when_parse(text, now_ms, &time_ms);

	if (!is_short)
		snprintf(
		    text_r, PRINT_TIME_SIZE, "%s", text != NULL ? text : "-");
	else if (kind == PRINT_DATE)
		time_write_date(time_ms / 1000, now_ms / 1000, text_r);
	else
		time_write_age(time_ms / 1000, now_ms / 1000, text_r);
	return text_r;
}

/* ---- forms ---- */

/* What is between braces: "member" or "member:kind". */
struct place {
	char member[PLACE_SIZE];
	const char *kind; /* "" if there is none */
};

/* Read the place behind a brace; returns what follows it. */
static const char *
place_read(struct place *place_r, const char *text)
{
	size_t length = strcspn(text, "}");
	char *colon;

	snprintf(place_r->member, sizeof(place_r->member), "%.*s", (int)length,
	    text);
	colon = strchr(place_r->member, ':');
	if (colon != NULL)
		*colon++ = '\0';
	place_r->kind = colon != NULL ? colon : "";
	return text + length + 1;
}

/* A figure of a poll, with its words; `member` ends in its name. */
static void
place_fill_figure(
    const struct place *place, uint64_t value, struct phrase *phrase)
{
	const char *point = strrchr(place->member, '.');
	const char *name = point != NULL ? point + 1 : place->member;
	char size[EVPOP_UNIT_SIZE];

	for (size_t i = 0; i < TALLY_COUNT; i++) {
		const struct tally_name *figure = &tally_names[i];

		if (strcmp(figure->json, name) != 0)
			continue;
		if (figure->unit == TALLY_UNIT_OCTETS)
			phrase_append(phrase, "%s %s",
			    evpop_unit_size(value, size), figure->words);
		else
			phrase_append(phrase, "%llu %s",
			    (unsigned long long)value, figure->words);
	}
}

/* Append the value of a place. *last is the last count so far. */
static void
place_fill(const struct ctl *ctl, const struct place *place,
    const json_t *object, struct phrase *phrase, uint64_t *last)
{
	const char *text = ctl_text(object, place->member);
	char buffer[PRINT_TIME_SIZE];

	if (strcmp(place->kind, "none") == 0)
		return;
	if (strcmp(place->member, "s") == 0 ||
	    strcmp(place->member, "-s") == 0) {
		phrase_append(phrase, "%s",
		    (*last == 1) == (place->member[0] == '-') ? "s" : "");
		return;
	}
	if (strcmp(place->kind, "time") == 0)
		text =
		    print_time(ctl, object, place->member, PRINT_TIME, buffer);
	if (text != NULL) {
		phrase_append(phrase, "%s", text);
		return;
	}
	if (!json_is_integer(ctl_member(object, place->member))) {
		phrase_append(phrase, "?");
		return;
	}
	*last = ctl_count(object, place->member);
	if (strcmp(place->kind, "size") == 0)
		phrase_append(phrase, "%s", evpop_unit_size(*last, buffer));
	else if (strcmp(place->kind, "figure") == 0)
		place_fill_figure(place, *last, phrase);
	else if (strcmp(place->kind, "span") == 0)
		phrase_append(
		    phrase, "%s", evpop_unit_span((int64_t)*last, buffer));
	else
		phrase_append(phrase, "%llu", (unsigned long long)*last);
}

/* Whether a phrase of a form is wanted. */
static bool
form_has_news(const char *form, const json_t *object)
{
	const json_t *value;
	struct place place;

	if (*form != '?')
		return true;
	(void)place_read(&place, strchr(form, '{') + 1);
	value = ctl_member(object, place.member);
	return json_is_string(value) || json_is_true(value) ||
	       json_integer_value(value) > 0;
}

void
print_form(const struct ctl *ctl, const char *form, const json_t *object,
    struct phrase *phrase)
{
	struct place place;
	uint64_t last = 0;

	for (bool is_wanted; *form != '\0'; form += *form == '|') {
		is_wanted = form_has_news(form, object);
		form += *form == '?';
		if (is_wanted && phrase->length > 0)
			phrase_append(phrase, ", ");
		while (*form != '\0' && *form != '|') {
			if (*form == '{') {
				form = place_read(&place, form + 1);
				if (is_wanted)
					place_fill(
					    ctl, &place, object, phrase, &last);
			} else {
				if (is_wanted)
					phrase_append(phrase, "%s%c",
					    ctl_sudo_before(form), *form);
				form++;
			}
		}
	}
}

/* ---- fields ---- */

const char *
print_value(const struct ctl *ctl, const struct print_field *field,
    const json_t *object, struct phrase *phrase)
{
	char text[PRINT_TIME_SIZE];
	const char *hex;
	uint64_t count;

	phrase_begin(phrase);
	if (field->member == NULL) {
		if (field->words != NULL)
			field->words(ctl, object, phrase);
		else
			print_form(ctl, field->form, object, phrase);
		return phrase->length > 0 ? phrase->text : NULL;
	}
	count = ctl_count(object, field->member);
	switch (field->kind) {
	case PRINT_TEXT:
		return ctl_text(object, field->member);
	case PRINT_UNIQUE_ID:
		hex = ctl_text(object, "unique_id_hex");
		return hex != NULL ? hex : ctl_text(object, field->member);
	case PRINT_TIME:
	case PRINT_DATE:
		phrase_append(phrase, "%s",
		    print_time(ctl, object, field->member, field->kind, text));
		break;
	case PRINT_COUNT:
		phrase_append(phrase, "%llu", (unsigned long long)count);
		break;
	case PRINT_SIZE:
		if (!json_is_integer(ctl_member(object, field->member)))
			return NULL;
		phrase_append(phrase, "%s", evpop_unit_size(count, text));
		break;
	}
	return phrase->text;
}

void
print_detail(const struct ctl *ctl, const char *label, const char *value)
{
	char *clean;

	if (value == NULL)
		return;
	clean = text_clean(value, TEXT_ONE_LINE);
	fprintf(ctl->out, "%s%-*s%s ", ctl->colour ? "\033[1m" : "",
	    LABEL_WIDTH, label, ctl->colour ? "\033[0m" : "");
	wrap_print_behind(ctl->out, clean != NULL ? clean : "(out of memory)",
	    LABEL_WIDTH + 1, LABEL_WIDTH + 1, ctl->width);
	free(clean);
}

void
print_fields(const struct ctl *ctl, const struct print_field *fields,
    size_t count, const json_t *object)
{
	struct phrase phrase;

	for (size_t i = 0; i < count; i++) {
		const struct print_field *field = &fields[i];

		if (field->kind != PRINT_COUNT ||
		    ctl_count(object, field->member) > 0)
			print_detail(ctl, field->heading,
			    print_value(ctl, field, object, &phrase));
	}
}

/* ---- progress ---- */

static bool
progress_is_shown(const struct ctl *ctl)
{
	return ctl->is_terminal && !ctl->json;
}

static unsigned
progress_percent(uint64_t done, uint64_t total)
{
	if (total == 0)
		return 0;
	if (done >= total)
		return 100;
	/* The product would overflow. */
	return total > UINT64_MAX / 100 ? (unsigned)(done / (total / 100))
					: (unsigned)(done * 100 / total);
}

void
progress_text(const char *what, uint64_t done, uint64_t total, const char *unit,
    size_t width, char *text_r, size_t size)
{
	unsigned percent = progress_percent(done, total);
	size_t full = (size_t)percent * BAR_WIDTH / 100;
	char bar[BAR_WIDTH + 1];

	if (total == 0) {
		snprintf(text_r, size, "%s ...", what);
	} else {
		memset(bar, '#', full);
		memset(bar + full, '.', BAR_WIDTH - full);
		bar[BAR_WIDTH] = '\0';
		snprintf(text_r, size, "%s [%s] %3u %%  %llu of %llu %s", what,
		    bar, percent, (unsigned long long)done,
		    (unsigned long long)total, unit);
	}
	/* A line that wraps could not be cleared. */
	if (width > 0 && strlen(text_r) >= width)
		text_r[width - 1] = '\0';
}

void
progress_show(const struct ctl *ctl, const char *what, uint64_t done,
    uint64_t total, const char *unit)
{
	char text[LINE_SIZE];

	if (!progress_is_shown(ctl))
		return;
	progress_text(what, done, total, unit, ctl->width, text, sizeof(text));
	fprintf(ctl->out, "\r%s", text);
	fflush(ctl->out);
}

void
progress_clear(const struct ctl *ctl)
{
	size_t width = ctl->width < LINE_SIZE ? ctl->width : LINE_SIZE;

	if (!progress_is_shown(ctl))
		return;
	fprintf(ctl->out, "\r%*s\r", width > 0 ? (int)width - 1 : 0, "");
	/* What follows may be a message, which goes another way. */
	fflush(ctl->out);
}
