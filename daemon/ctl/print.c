#include "daemon/ctl/print.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/text.h"

/* Blanks between columns, and what a flexible column keeps at least. */
#define GAP          2
#define FLEXIBLE_MIN 8

struct cell {
	char *text;
	enum table_colour colour;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	size_t *widths;
	struct cell *cells; /* row by row */
	size_t cell_count, room;
	bool titled, failed;
};

struct table *
table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = columns;
	table->column_count = count;
	table->widths = calloc(count, sizeof(*table->widths));
	if (table->widths == NULL) {
		free(table);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		table->widths[i] = text_width(columns[i].title);
	return table;
}

static void
forget_rows(struct table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	table->cell_count = 0;
}

void
table_free(struct table **table_ref)
{
	struct table *table = *table_ref;

	*table_ref = NULL;
	if (table == NULL)
		return;
	forget_rows(table);
	free(table->cells);
	free(table->widths);
	free(table);
}

void
table_cell_coloured(
    struct table *table, const char *text, enum table_colour colour)
{
	size_t column = table->cell_count % table->column_count, width;
	struct cell *cell;

	if (table->cell_count == table->room) {
		size_t room = table->room == 0 ? 256 : table->room * 2;
		struct cell *cells =
		    reallocarray(table->cells, room, sizeof(*table->cells));

		if (cells == NULL) {
			table->failed = true;
			return;
		}
		table->cells = cells;
		table->room = room;
	}
	cell = &table->cells[table->cell_count];
	cell->colour = colour;
	cell->text = text_clean(
	    text == NULL || *text == '\0' ? "-" : text, TEXT_ONE_LINE);
	if (cell->text == NULL) {
		table->failed = true;
		return;
	}
	table->cell_count++;
	width = text_width(cell->text);
	if (width > table->widths[column])
		table->widths[column] = width;
}

void
table_cell(struct table *table, const char *text)
{
	table_cell_coloured(table, text, TABLE_PLAIN);
}

void
table_cell_count(struct table *table, uint64_t count)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	table_cell(table, digits);
}

static size_t
total_width(const struct table *table)
{
	size_t total = (table->column_count - 1) * GAP;

	for (size_t i = 0; i < table->column_count; i++)
		total += table->widths[i];
	return total;
}

/* Take from the widest flexible column until all fit, or none can give. */
static void
shrink(struct table *table, size_t width)
{
	size_t total = total_width(table);

	for (; total > width; total--) {
		size_t widest = table->column_count;

		for (size_t i = 0; i < table->column_count; i++) {
			if (table->columns[i].flexible &&
			    table->widths[i] > FLEXIBLE_MIN &&
			    (widest == table->column_count ||
				table->widths[i] > table->widths[widest]))
				widest = i;
		}
		if (widest == table->column_count)
			return;
		table->widths[widest]--;
	}
}

static void
print_blanks(FILE *out, size_t count)
{
	for (; count > 0; count--)
		fputc(' ', out);
}

/* A cell in at most `width` columns, with an ellipsis if it was cut. */
static void
print_text(FILE *out, const char *text, size_t width)
{
	size_t length = text_fit(text, width);

	if (text[length] != '\0' && width > 0) {
		length = text_fit(text, width - 1);
		fprintf(out, "%.*s\xe2\x80\xa6", (int)length, text);
	} else {
		fprintf(out, "%.*s", (int)length, text);
	}
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * One cell of a line that has `left` columns; no blanks at the line's end.
 * `before` is the SGR sequence of its colour, or NULL.
 */
static void
print_cell(const struct table *table, FILE *out, size_t column,
    const char *text, const char *before, size_t left)
{
	size_t width = least(table->widths[column], left);
	size_t taken = least(text_width(text), width);
	bool right = table->columns[column].align == TABLE_RIGHT;

	if (right)
		print_blanks(out, width - taken);
	if (before != NULL)
		fputs(before, out);
	print_text(out, text, width);
	if (before != NULL)
		fputs("\033[0m", out);
	if (!right && column + 1 < table->column_count)
		print_blanks(out, width - taken);
}

static void
print_line(const struct table *table, FILE *out, size_t row, bool titles,
    size_t width, bool colour)
{
	static const char *const colours[] = { NULL, "\033[32m", "\033[33m",
		"\033[31m" };
	size_t used = 0;

	_Static_assert(
	    sizeof(colours) / sizeof(colours[0]) == TABLE_COLOUR_COUNT,
	    "a sequence for each colour");
	for (size_t i = 0; i < table->column_count; i++) {
		const struct cell *cell =
		    titles ? NULL
			   : &table->cells[row * table->column_count + i];
		const char *before = titles ? "\033[1m" : colours[cell->colour];

		if (width != 0 && used + (i > 0 ? GAP : 0) >= width)
			break;
		if (i > 0) {
			print_blanks(out, GAP);
			used += GAP;
		}
		print_cell(table, out, i,
		    titles ? table->columns[i].title : cell->text,
		    colour ? before : NULL,
		    width == 0 ? table->widths[i] : width - used);
		used += table->widths[i];
	}
	fputc('\n', out);
}

bool
table_print(struct table *table, FILE *out, size_t width, bool colour)
{
	bool whole = !table->failed;

	if (width != 0)
		shrink(table, width);
	if (!table->titled)
		print_line(table, out, 0, true, width, colour);
	table->titled = true;
	for (size_t row = 0; row < table->cell_count / table->column_count;
	     row++)
		print_line(table, out, row, false, width, colour);
	forget_rows(table);
	return whole;
}
