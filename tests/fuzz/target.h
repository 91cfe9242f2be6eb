/*
 * What every fuzz target defines, and libFuzzer or replay.c calls: one run over
 * one input, which may be anything.  A target asserts what must hold whatever
 * the input is; the sanitizers see the rest.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0: the input may join the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
