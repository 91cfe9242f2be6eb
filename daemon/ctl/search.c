#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/local.h"
#include "daemon/ctl/text.h"

/* Columns of the id, of what stands before the second line, and of a sender. */
#define ID_WIDTH     6
#define INDENT       8
#define SENDER_WIDTH 28

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

/* ---- a message that was found ---- */

/* As much as there is room for, and blanks to fill it if it is `padded`. */
static void
found_print_cut(
    const struct ctl *ctl, const char *text, size_t room, bool is_padded)
{
	char *clean = text_clean(text != NULL ? text : "-", TEXT_ONE_LINE);
	size_t width, length;

	if (clean == NULL)
		return;
	width = text_width(clean);
	if (room > 0 && width > room) {
		length = text_fit(clean, room - 1);
		fprintf(ctl->out, "%.*s\xe2\x80\xa6", (int)length, clean);
		width = room;
	} else
		fputs(clean, ctl->out);
	if (is_padded && width < room)
		fprintf(ctl->out, "%*s", (int)(room - width), "");
	free(clean);
}

/* Octets of so many characters. */
static size_t
found_octets(const char *text, uint64_t characters)
{
	size_t at = 0;

	for (; characters > 0 && text[at] != '\0'; characters--) {
		at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

/* A part of a snippet; returns the columns that are left of the line. */
static size_t
found_print_part(const struct ctl *ctl, const char *text, size_t length,
    bool is_hit, size_t room)
{
	char *part = strndup(text, length);
	char *clean = part != NULL ? text_clean(part, TEXT_ONE_LINE) : NULL;
	size_t fits;

	free(part);
	if (clean == NULL)
		return 0;
	fits = text_fit(clean, room);
	fprintf(ctl->out, "%s%.*s%s", is_hit && ctl->colour ? BOLD : "",
	    (int)fits, clean, is_hit && ctl->colour ? PLAIN : "");
	room -= text_width(clean) < room ? text_width(clean) : room;
	free(clean);
	return room;
}

static void
found_print_snippet(const struct ctl *ctl, const json_t *snippet)
{
	const char *text = ctl_text(snippet, "text");
	const json_t *hits = ctl_member(snippet, "hits"), *hit;
	size_t room = ctl->width > INDENT ? ctl->width - INDENT : SIZE_MAX;
	size_t at = 0, i;

	if (text == NULL || *text == '\0')
		return;
	fprintf(ctl->out, "%*s", INDENT, "");
	json_array_foreach(hits, i, hit)
	{
		size_t start = found_octets(text, ctl_count(hit, "start"));
		size_t length =
		    found_octets(text + start, ctl_count(hit, "length"));

		if (start < at)
			continue;
		room =
		    found_print_part(ctl, text + at, start - at, false, room);
		room = found_print_part(ctl, text + start, length, true, room);
		at = start + length;
	}
	(void)found_print_part(ctl, text + at, strlen(text + at), false, room);
	fputc('\n', ctl->out);
}

static void
found_print(const struct ctl *ctl, const json_t *message)
{
	char date[LOCAL_SIZE];
	size_t used = ID_WIDTH + 2 + 16 + 2 + SENDER_WIDTH + 2;

	local_date(message, "date", date);
	if (strcmp(date, "-") == 0)
		local_date(message, "stored_at", date);
	fprintf(ctl->out, "%*llu  %-16s  ", ID_WIDTH,
	    (unsigned long long)ctl_count(message, "id"), date);
	found_print_cut(ctl, ctl_text(message, "sender"), SENDER_WIDTH, true);
	fputs("  ", ctl->out);
	found_print_cut(ctl, ctl_text(message, "subject"),
	    ctl->width > used + 8 ? ctl->width - used : 0, false);
	fputc('\n', ctl->out);
	found_print_snippet(ctl, ctl_member(message, "snippet"));
}

/* ---- the command ---- */

struct finding {
	size_t count;
	bool has_more, is_ranked_cut;
	json_t *last; /* the page */
	uint64_t ranked_among;
};

static enum ctl_exit
finding_take(const struct ctl *ctl, const json_t *page, void *arg)
{
	struct finding *finding = arg;
	const json_t *rows = json_object_get(page, "messages"), *row;
	size_t i;

	if (ctl->json)
		return ctl_print_json(ctl, page);
	json_array_foreach(rows, i, row) found_print(ctl, row);
	finding->count += i;
	finding->has_more = ctl_text(page, "next_cursor") != NULL;
	json_decref(finding->last);
	finding->last = json_incref((json_t *)(uintptr_t)page);
	finding->is_ranked_cut =
	    json_is_false(json_object_get(page, "ranked_all"));
	finding->ranked_among = ctl_count(page, "ranked_among");
	return CTL_OK;
}

static void
finding_end(const struct ctl *ctl, const struct finding *finding)
{
	if (finding->count == 0)
		fprintf(ctl->out, "nothing found\n");
	list_say_left_out(ctl, finding->last);
	if (finding->is_ranked_cut)
		fprintf(ctl->err,
		    "the newest %llu of those that were found are ranked; "
		    "another word or \"since:\" finds fewer\n",
		    (unsigned long long)finding->ranked_among);
	if (finding->has_more && ctl->is_terminal)
		fprintf(ctl->err, "there are more: see --limit\n");
}

/* All words with a blank between them. */
static char *
search_join(const struct invocation *invocation)
{
	size_t size = 1;
	char *joined;

	for (size_t i = 0; i < invocation->count; i++)
		size += strlen(invocation->arguments[i]) + 1;
	joined = malloc(size);
	if (joined == NULL)
		return NULL;
	joined[0] = '\0';
	for (size_t i = 0; i < invocation->count; i++) {
		if (i > 0)
			strcat(joined, " ");
		strcat(joined, invocation->arguments[i]);
	}
	return joined;
}

static enum ctl_exit
search_ask(const struct ctl *ctl, const struct invocation *invocation,
    const char *words, size_t limit)
{
	struct target target;
	struct finding finding = { .count = 0 };
	enum ctl_exit code;

	target_begin(&target, "/v1/messages", NULL);
	target_query(&target, "q", words);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	target_time(&target, "since", command_value(invocation, "since"));
	target_time(&target, "before", command_value(invocation, "before"));
	target_parameter(&target, "snippet", "1");
	if (command_given(invocation, "rank"))
		target_parameter(&target, "sort", "rank");
	code =
	    list_walk(ctl, &target, "messages", limit, finding_take, &finding);
	if (code == CTL_OK && !ctl->json)
		finding_end(ctl, &finding);
	json_decref(finding.last);
	return code;
}

enum ctl_exit
search_run(const struct ctl *ctl, const struct invocation *invocation)
{
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);
	char *words;

	if (code != CTL_OK)
		return code;
	if (command_given(invocation, "rank") &&
	    command_given(invocation, "newest")) {
		ctl_warn(ctl, "search: either --rank or --newest");
		return CTL_USAGE;
	}
	words = search_join(invocation);
	if (words == NULL)
		return ctl_no_memory(ctl);
	code = search_ask(ctl, invocation, words, limit);
	free(words);
	return code;
}
