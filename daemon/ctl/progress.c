#include "daemon/ctl/progress.h"

#include <string.h>

/* The bar with its brackets, where there is room for it. */
#define BAR_WIDTH 20
#define LINE_SIZE 160

static bool
is_shown(const struct ctl *ctl)
{
	return ctl->is_terminal && !ctl->json;
}

static unsigned
percent_of(uint64_t done, uint64_t total)
{
	if (total == 0)
		return 0;
	if (done >= total)
		return 100;
	/* Beyond this the product would not fit. */
	return total > UINT64_MAX / 100 ? (unsigned)(done / (total / 100))
					: (unsigned)(done * 100 / total);
}

void
progress_text(const char *what, uint64_t done, uint64_t total, const char *unit,
    size_t width, char *text_r, size_t size)
{
	unsigned percent = percent_of(done, total);
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
	/* A line that goes round cannot be taken away. */
	if (width > 0 && strlen(text_r) >= width)
		text_r[width - 1] = '\0';
}

void
progress_show(struct ctl *ctl, const char *what, uint64_t done, uint64_t total,
    const char *unit)
{
	char text[LINE_SIZE];

	if (!is_shown(ctl))
		return;
	progress_text(what, done, total, unit, ctl->width, text, sizeof(text));
	fprintf(ctl->out, "\r%s", text);
	fflush(ctl->out);
}

void
progress_clear(struct ctl *ctl)
{
	size_t width = ctl->width < LINE_SIZE ? ctl->width : LINE_SIZE;

	if (is_shown(ctl))
		fprintf(
		    ctl->out, "\r%*s\r", width > 0 ? (int)width - 1 : 0, "");
}
