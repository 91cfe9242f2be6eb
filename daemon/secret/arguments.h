/*
 * What a command is executed with: a shell that gets it as it is, or a program
 * and its words.
 */
#ifndef SECRET_ARGUMENTS_H
#define SECRET_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Its words are those of lib/base/words.h, and {name} in them is the variable
 * EVPOP_NAME, of those that are given, where there is one.  No word becomes an
 * option by it: a value that begins with "-" is left out at a word's beginning.
 */
struct arguments_command {
	const char *text;
	bool is_words;
	uint64_t memory; /* octets that each of its processes may use; 0: any */
};

/*
 * The list for execvpe(3), NULL at its end; the first is the program.  For
 * free(), together with what it points to.  NULL without memory, or with EINVAL
 * where there is no word.
 */
char **arguments_make(const struct arguments_command *,
    const char *const *variables) __attribute__((warn_unused_result));

#endif
