/* What a command is told of the message that it is given. */
#ifndef DELIVER_PIPE_VARIABLES_H
#define DELIVER_PIPE_VARIABLES_H

struct parcel;

/*
 * "EVPOP_NAME=value", then NULL.  For free(), together with what it points to.
 * NULL without memory.
 */
char **pipe_variables_make(const struct parcel *, const char *target)
    __attribute__((warn_unused_result));

#endif
