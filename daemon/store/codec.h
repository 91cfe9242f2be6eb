/*
 * Pieces are packed and unpacked by zstd.  Each piece is a frame of its own, so
 * that a body is read piece by piece, as it was written.
 */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

/* Belongs to one thread.  All zero is a codec that has packed nothing yet. */
struct store_codec {
	int level; /* zstd's, for what is packed; 0: nothing is */
	struct ZSTD_CCtx_s *packer;
	struct ZSTD_DCtx_s *unpacker;
	unsigned char *packed, *unpacked; /* room for a piece each */
};

/* Free what was made; all zero again, but for the level. */
void store_codec_clear(struct store_codec *);

/*
 * Pack, and return whether it saved enough; *packed_r is borrowed until the
 * next call.  False at level 0, for bytes that hardly get smaller, and without
 * memory.
 */
bool store_codec_pack(struct store_codec *, const void *bytes, size_t length,
    const void **packed_r, size_t *packed_length_r);

enum store_codec_result {
	STORE_CODEC_OK = 0,
	STORE_CODEC_MEMORY,
	STORE_CODEC_DAMAGED /* no such frame, or one larger than a piece */
};

/*
 * Unpack; *bytes_r is borrowed until the next call.  *why_r says in a few words
 * what is wrong.
 */
enum store_codec_result store_codec_unpack(struct store_codec *,
    const void *packed, size_t packed_length, const void **bytes_r,
    size_t *length_r, const char **why_r) __attribute__((warn_unused_result));

#endif
