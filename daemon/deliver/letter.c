#include "daemon/deliver/letter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

static bool
letter_copy(struct letter *letter, const struct parcel *parcel)
{
	snprintf(letter->key, sizeof(letter->key), "%s", parcel->key);
	letter->message_id = parcel->message_id;
	letter->received_ms = parcel->received_ms;
	letter->stored_ms = parcel->stored_ms;
	letter->may_be_there = parcel->may_be_there;
	letter->is_again = parcel->attempts > 0 || parcel->may_be_there ||
			   parcel->note[0] != '\0';
	letter->path = strdup(parcel->path);
	letter->folder = strdup(parcel->folder);
	letter->sender = strdup(parcel->sender);
	letter->note = strdup(parcel->note);
	return letter->path != NULL && letter->folder != NULL &&
	       letter->sender != NULL && letter->note != NULL;
}

struct letter *
letter_new(
    const struct parcel *parcel, const char *template, const char *folder)
{
	struct letter *letter = calloc(1, sizeof(*letter));
	bool is_made = false;

	if (letter == NULL)
		return NULL;
	letter->fate = calloc(1, sizeof(*letter->fate));
	if (letter->fate != NULL && parcel != NULL) {
		letter->has_own_path =
		    strchr(template, '{') != NULL ||
		    (folder != NULL && strchr(folder, '{') != NULL);
		is_made = letter_copy(letter, parcel);
	} else if (letter->fate != NULL) {
		letter->path = strdup(template);
		is_made = letter->path != NULL;
	}
	if (is_made)
		return letter;
	letter_free(letter);
	return NULL;
}

void
letter_free(struct letter *letter)
{
	if (letter == NULL)
		return;
	if (letter->fate != NULL)
		free(letter->fate->place);
	free(letter->fate);
	free(letter->path);
	free(letter->folder);
	free(letter->sender);
	free(letter->note);
	free(letter);
}

static void
letter_answer(const struct letter *letter, enum carried outcome,
    const char *format, va_list args)
{
	struct letter_fate *fate = letter->fate;
	char text[LETTER_ANSWER];
	int length = vsnprintf(text, sizeof(text), format, args);

	if (length < 0)
		length = 0;
	if ((size_t)length >= sizeof(text))
		length = sizeof(text) - 1;
	(void)evpop_text_printable(
	    fate->answer, sizeof(fate->answer), text, (size_t)length);
	fate->result.outcome = outcome;
	fate->result.answer = fate->answer;
}

bool
letter_fail_words(
    const struct letter *letter, enum carried outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	letter_answer(letter, outcome, format, args);
	va_end(args);
	return false;
}

/* Whose fault it is, and until when. */
static enum carried
letter_outcome(const struct letter *letter, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case EXDEV:
	case EINVAL:
	case ENAMETOOLONG:
		return letter->has_own_path ? CARRIED_LATER : CARRIED_WRONG;
	case EDQUOT:
		return letter->has_own_path ? CARRIED_LATER : CARRIED_DOWN;
	case EFBIG:
	case ESTALE:
		return CARRIED_LATER;
	default: /* a full disk, one that is read-only or broken; no memory */
		return CARRIED_DOWN;
	}
}

static const char *
letter_advice(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "; let evpopd's user write there (see \"A Maildir for "
		       "mutt\" in evpop-delivery(7)), and restart it where "
		       "the path is new in its configuration";
	case EROFS:
		return "; let it be written to";
	case ENOSPC:
	case EDQUOT:
		return "; make room";
	default:
		return "";
	}
}

bool
letter_fail(
    const struct letter *letter, int error, const char *what, const char *path)
{
	return letter_fail_words(letter, letter_outcome(letter, error),
	    "cannot %s %s: %s%s", what, path, strerror(error),
	    letter_advice(error));
}

void
letter_done(const struct letter *letter, const char *answer, const char *place)
{
	letter_fail_words(letter, CARRIED_DELIVERED, "%s", answer);
	free(letter->fate->place);
	letter->fate->place = strdup(place);
	letter->fate->result.place = letter->fate->place;
}

void
letter_doubt(const struct letter *letter)
{
	letter->fate->result.may_be_there = true;
}

void
letter_wish(const struct letter *letter, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(
	    letter->fate->wish, sizeof(letter->fate->wish), format, args);
	va_end(args);
}
