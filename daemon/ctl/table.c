#include "daemon/ctl/table.h"

#include <stdlib.h>

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
	}
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
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
				 (column->field->is_flexible
					 ? least(column->width, most)
					 : column->width);
	}
	return total;
}

/* Leave columns out until the flexible ones are wide enough. */
static void
table_drop(struct table *table, size_t width)
{
	while (table_width(table, FLEXIBLE_WANTED) > width) {
		struct column *last = NULL;

		for (size_t i = 0; i < table->column_count; i++) {
			struct column *column = &table->columns[i];

			if (!column->is_dropped && column->field->drop > 0 &&
			    (last == NULL ||
				column->field->drop > last->field->drop))
				last = column;
		}
		if (last == NULL)
			return;
		last->is_dropped = true;
	}
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

			if (column->field->is_flexible &&
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

/* A cell in at most `width` columns, with an ellipsis if it was cut. */
static void
table_print_text(FILE *out, const char *text, size_t width)
{
	size_t length = text_fit(text, width);

	if (text[length] != '\0' && width > 0) {
		length = text_fit(text, width - 1);
		fprintf(out, "%.*s\xe2\x80\xa6", (int)length, text);
	} else {
		fprintf(out, "%.*s", (int)length, text);
	}
}

/*
 * One cell of a line that has `left` columns; no blanks at the line's end.
 * `before` is the SGR sequence of its colour, or NULL.
 */
static void
table_print_cell(const struct column *column, FILE *out, const char *text,
    const char *before, size_t left, bool is_last)
{
	size_t width = least(column->width, left);
	size_t taken = least(text_width(text), width);
	bool is_number = column->field->kind == PRINT_COUNT ||
			 column->field->kind == PRINT_SIZE;

	if (is_number)
		table_print_blanks(out, width - taken);
	if (before != NULL)
		fputs(before, out);
	table_print_text(out, text, width);
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
	static const char *const colours[] = { NULL, "\033[32m", "\033[33m",
		"\033[31m" };
	size_t used = 0, last = table->column_count - 1;

	_Static_assert(
	    sizeof(colours) / sizeof(colours[0]) == PRINT_COLOUR_COUNT,
	    "a sequence for each colour");
	while (last > 0 && table->columns[last].is_dropped)
		last--;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		size_t gap = used > 0 ? GAP : 0;
		const char *before =
		    cells == NULL ? "\033[1m" : colours[cells[i].colour];

		if (column->is_dropped)
			continue;
		if (width != 0 && used + gap >= width)
			break;
		table_print_blanks(out, gap);
		used += gap;
		table_print_cell(column, out,
		    cells == NULL ? column->field->heading : cells[i].text,
		    colour ? before : NULL,
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
