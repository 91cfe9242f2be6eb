/* The variables of a command: those of this process, and what it is told. */
#ifndef SECRET_ENVIRONMENT_H
#define SECRET_ENVIRONMENT_H

/*
 * Ours and what is given, "NAME=value", then NULL; what is given replaces ours.
 * The list is for free(), the strings are not; NULL without memory.
 */
char **environment_make(const char *const *given)
    __attribute__((warn_unused_result));

#endif
