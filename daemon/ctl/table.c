#include "daemon/ctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/text.h"
#include "lib/base/array.h"

/* Blanks between columns. */
#define GAP 2

/*
 * The least width of a flexible column, and the width below which other columns
 * are left out.
 */
#define FLEXIBLE_MIN    8
#define FLEXIBLE_WANTED 16

struct cell {
	char *text;
	enum print_colour colour;
};

struct column {
	const struct print_field *field;
	size_t width;
	bool is_zero; /* nothing but zeros and "-" so far */
	bool is_dropped;
};

struct table {
	struct column *columns;
	size_t column_count;
	struct cell *cells; /* row by row */
	size_t cell_count, room;
	bool is_headed, has_failed;
};

struct table *
table_new(const struct print_field *fields, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = calloc(count, sizeof(*table->columns));
	if (table->columns == NULL) {
		free(table);
		return NULL;
	}
	table->column_count = count;
	for (size_t i = 0; i < count; i++) {
		table->columns[i].field = &fields[i];
		table->columns[i].is_zero = true;
		table->columns[i].width = text_width(fields[i].heading);
	}
	return table;
}

static void
table_forget_rows(struct table *table)
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
	table_forget_rows(table);
	free(table->cells);
	free(table->columns);
	free(table);
}

/* Whether a cell says nothing that its absence would not. */
static bool
table_is_zero(const char *text)
{
	return strcmp(text, "0") == 0 || strcmp(text, "0 B") == 0 ||
	       strcmp(text, "-") == 0;
}

void
table_add(struct table *table, const struct ctl *ctl, const json_t *row)
{
	struct phrase phrase;

	for (size_t i = 0; i < table->column_count; i++) {
		struct column *column = &table->columns[i];
		struct cell *cells = evpop_array_grow(table->cells,
				table->cell_count, &table->room,
				sizeof(*cells)),
			    *cell;
		const char *text =
		    print_value(ctl, column->field, row, &phrase);
		size_t width;

		if (cells == NULL) {
			table->has_failed = true;
			return;
		}
		table->cells = cells;
		cell = &cells[table->cell_count++];
		cell->colour = column->field->colour != NULL
				   ? column->field->colour(row)
				   : PRINT_PLAIN;
		cell->text = text_clean(
		    text == NULL || *text == '\0' ? "-" : text, TEXT_ONE_LINE);
		if (cell->text == NULL) {
			table->has_failed = true;
			continue;
		}
		width = text_width(cell->text);
		if (width > column->width)
			column->width = width;
		if (!table_is_zero(cell->text))
			column->is_zero = false;
	}
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A column that is wrapped needs more than one that is cut. */
static size_t
table_most(enum print_fit fit, size_t most)
{
	if (fit == PRINT_WHOLE || most == SIZE_MAX)
		return SIZE_MAX;
	return fit == PRINT_WRAP ? 2 * most : most;
}

/* The width of the table if no flexible column has more than `most`. */
static size_t
table_width(const struct table *table, size_t most)
{
	size_t total = 0;

	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];

		if (!column->is_dropped)
			total += (total > 0 ? GAP : 0) +
				 least(column->width,
				     table_most(column->field->fit, most));
	}
	return total;
}

/* The column to leave out first; NULL if there is none. */
static struct column *
table_least_needed(struct table *table)
{
	struct column *least_needed = NULL;

	for (size_t i = 0; i < table->column_count; i++) {
		struct column *column = &table->columns[i];

		if (column->is_dropped || column->field->drop == 0)
			continue;
		if (least_needed == NULL ||
		    (column->is_zero && !least_needed->is_zero) ||
		    (column->is_zero == least_needed->is_zero &&
			column->field->drop > least_needed->field->drop))
			least_needed = column;
	}
	return least_needed;
}

/*
 * Leave columns out until the flexible ones are wide enough; those of zeros
 * until nothing is cut.
 */
static void
table_drop(struct table *table, size_t width)
{
	struct column *column;

	while ((column = table_least_needed(table)) != NULL &&
	       table_width(
		   table, column->is_zero ? SIZE_MAX : FLEXIBLE_WANTED) > width)
		column->is_dropped = true;
}

/*
 * Narrow the widest flexible column until the table fits or all have their
 * least width.
 */
static void
table_shrink(struct table *table, size_t width)
{
	size_t total = table_width(table, SIZE_MAX);

	for (; total > width; total--) {
		struct column *widest = NULL;

		for (size_t i = 0; i < table->column_count; i++) {
			struct column *column = &table->columns[i];

			if (column->field->fit != PRINT_WHOLE &&
			    column->width > FLEXIBLE_MIN &&
			    (widest == NULL || column->width > widest->width))
				widest = column;
		}
		if (widest == NULL)
			return;
		widest->width--;
	}
}

static void
table_print_blanks(FILE *out, size_t count)
{
	for (; count > 0; count--)
		fputc(' ', out);
}

/* The end of a text that takes at most `columns`. */
static const char *
table_end_of(const char *text, size_t columns)
{
	size_t skipped = text_width(text) - columns;
	const char *end = text + text_fit(text, skipped);

	/* A wide character may begin before the place and end behind it. */
	while (text_width(end) > columns)
		end = text + text_fit(text, ++skipped);
	return end;
}

/*
 * A cell in at most `width` columns, with an ellipsis if it was cut.  Returns
 * the columns that it takes.
 */
static size_t
table_print_text(FILE *out, const char *text, size_t width, enum print_fit fit)
{
	size_t behind =
	    fit == PRINT_CUT_MIDDLE && width > 0 ? (width - 1) / 2 : 0;
	size_t length = text_fit(text, width), taken;
	const char *end;

	if (text[length] == '\0' || width == 0) {
		fprintf(out, "%.*s", (int)length, text);
		return least(text_width(text), width);
	}
	length = text_fit(text, width - 1 - behind);
	end = table_end_of(text, behind);
	taken =
	    text_width(text) - text_width(text + length) + 1 + text_width(end);
	fprintf(out, "%.*s\xe2\x80\xa6%s", (int)length, text, end);
	return taken;
}

/*
 * The text in lines of `width`, cut at blanks where that leaves a third of a
 * line or more, and within words elsewhere: the next column must not move.
 */
static void
table_print_wrapped(FILE *out, const char *text, size_t width, size_t indent)
{
	size_t length, cut;

	for (;;) {
		length = text_fit(text, width);
		if (text[length] == '\0')
			break;
		for (cut = length; cut > length / 3 && text[cut] != ' ';)
			cut--;
		if (text[cut] == ' ')
			length = cut;
		if (length == 0)
			break;
		fprintf(out, "%.*s\n", (int)length, text);
		table_print_blanks(out, indent);
		text += length;
		text += *text == ' ';
	}
	fputs(text, out);
}

/*
 * One cell of a line that has `left` columns, `used` before it; no blanks at
 * the line's end.  `before` is the SGR sequence of its colour, or NULL.
 */
static void
table_print_cell(const struct column *column, FILE *out, const char *text,
    const char *before, size_t used, size_t left, bool is_last)
{
	size_t width = least(column->width, left), taken;
	bool is_number = column->field->kind == PRINT_COUNT ||
			 column->field->kind == PRINT_SIZE;

	if (is_number)
		table_print_blanks(out, width - least(text_width(text), width));
	if (before != NULL)
		fputs(before, out);
	if (column->field->fit == PRINT_WRAP) {
		table_print_wrapped(out, text, width, used);
		taken = width;
	} else {
		taken = table_print_text(out, text, width, column->field->fit);
	}
	if (before != NULL)
		fputs("\033[0m", out);
	if (!is_number && !is_last)
		table_print_blanks(out, width - taken);
}

/* A row's cells, or the headings for NULL. */
static void
table_print_line(const struct table *table, FILE *out, const struct cell *cells,
    size_t width, bool colour)
{
	size_t used = 0, last = table->column_count - 1;

	while (last > 0 && table->columns[last].is_dropped)
		last--;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		size_t gap = used > 0 ? GAP : 0;
		const char *before = cells == NULL
					 ? "\033[1m"
					 : print_colour_begin(cells[i].colour);

		if (column->is_dropped)
			continue;
		if (width != 0 && used + gap >= width)
			break;
		table_print_blanks(out, gap);
		used += gap;
		table_print_cell(column, out,
		    cells == NULL ? column->field->heading : cells[i].text,
		    colour ? before : NULL, used,
		    width == 0 ? column->width : width - used, i == last);
		used += column->width;
	}
	fputc('\n', out);
}

bool
table_print(struct table *table, FILE *out, size_t width, bool colour)
{
	bool is_whole = !table->has_failed;

	if (width != 0 && !table->is_headed)
		table_drop(table, width);
	if (width != 0)
		table_shrink(table, width);
	if (!table->is_headed)
		table_print_line(table, out, NULL, width, colour);
	table->is_headed = true;
	for (size_t i = 0; is_whole && i < table->cell_count;
	     i += table->column_count)
		table_print_line(table, out, &table->cells[i], width, colour);
	table_forget_rows(table);
	return is_whole;
}
