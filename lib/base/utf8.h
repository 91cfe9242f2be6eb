/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#ifndef EVPOP_BASE_UTF8_H
#define EVPOP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at the start of `bytes`: its length, and the code point; 0 if
 * there is none that is well-formed and whole.
 */
size_t evpop_utf8_decode(const char *bytes, size_t length,
    uint32_t *code_point_r) __attribute__((warn_unused_result));

/*
 * Whether the bytes are the beginning of a well-formed character that needs
 * more of them.
 */
bool evpop_utf8_is_partial(const char *bytes, size_t length);

bool evpop_utf8_is_valid(const char *text);

#endif
