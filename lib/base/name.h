/* A name table stands beside its enum and has a name for each value. */
#ifndef EVPOP_BASE_NAME_H
#define EVPOP_BASE_NAME_H

#define EVPOP_NAMES_MATCH(names, count)                             \
	_Static_assert(sizeof(names) / sizeof(names)[0] == (count), \
	    "every value of the enum has a name")

#endif
