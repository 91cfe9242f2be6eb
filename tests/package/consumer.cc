/* The same program is one of C++, too. */
#include "consumer.c"
