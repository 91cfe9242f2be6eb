/*
 * Questions to who sits at the terminal.  They stand on standard error, so that
 * the output stays what it is.
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "daemon/ctl/ctl.h"

/* Whether there is somebody to ask. */
bool ask_is_possible(const struct ctl *);

#define ASK_LINE 1024

/*
 * A line; an empty one stands for `usual`, which is shown and may be NULL.
 * False at the end of the input.
 */
bool ask_line(const struct ctl *, const char *question, const char *usual,
    char line_r[ASK_LINE]) __attribute__((warn_unused_result));

enum ask_answer {
	ASK_NO = 0,
	ASK_YES,
	ASK_END /* of the input: nobody answers */
};
/* "question [Y/n]", until it is answered. */
enum ask_answer ask_yes(
    const struct ctl *, const char *question, enum ask_answer usual);

#endif
