#include "daemon/store/codec.h"

#include <stdlib.h>
#include <zstd.h>

#include "daemon/store/body.h"

/*
 * A piece is packed if it loses at least this.  Attachments lose a quarter,
 * since they come as base64; what was compressed before loses nothing.
 */
#define GAIN_LEAST(length) ((length) / 8)

/*
 * There is little in a short piece to refer back to: what the shorter ones of
 * real mail lose together is below 1 % of the file, for as much work as any.
 */
#define LENGTH_LEAST ((size_t)1024)

static void
codec_free_packer(struct store_codec *codec)
{
	ZSTD_freeCCtx(codec->packer);
	free(codec->packed);
	codec->packer = NULL;
	codec->packed = NULL;
}

static void
codec_free_unpacker(struct store_codec *codec)
{
	ZSTD_freeDCtx(codec->unpacker);
	free(codec->unpacked);
	codec->unpacker = NULL;
	codec->unpacked = NULL;
}

void
store_codec_clear(struct store_codec *codec)
{
	codec_free_packer(codec);
	codec_free_unpacker(codec);
}

static bool
codec_has_packer(struct store_codec *codec)
{
	if (codec->packer != NULL)
		return true;
	codec->packer = ZSTD_createCCtx();
	codec->packed = malloc(STORE_PIECE_MAX);
	if (codec->packer != NULL && codec->packed != NULL &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(
		codec->packer, ZSTD_c_compressionLevel, codec->level)))
		return true;
	codec_free_packer(codec);
	return false;
}

bool
store_codec_pack(struct store_codec *codec, const void *bytes, size_t length,
    const void **packed_r, size_t *packed_length_r)
{
	size_t room = length - GAIN_LEAST(length), result;

	if (codec->level == 0 || length < LENGTH_LEAST ||
	    length > STORE_PIECE_MAX || !codec_has_packer(codec))
		return false;
	/* It gives up where there is no room for what comes out. */
	result =
	    ZSTD_compress2(codec->packer, codec->packed, room, bytes, length);
	if (ZSTD_isError(result))
		return false;
	*packed_r = codec->packed;
	*packed_length_r = result;
	return true;
}

static bool
codec_has_unpacker(struct store_codec *codec)
{
	if (codec->unpacker != NULL)
		return true;
	codec->unpacker = ZSTD_createDCtx();
	codec->unpacked = malloc(STORE_PIECE_MAX);
	if (codec->unpacker != NULL && codec->unpacked != NULL)
		return true;
	codec_free_unpacker(codec);
	return false;
}

enum store_codec_result
store_codec_unpack(struct store_codec *codec, const void *packed,
    size_t packed_length, const void **bytes_r, size_t *length_r,
    const char **why_r)
{
	size_t result;

	*why_r = "out of memory";
	if (!codec_has_unpacker(codec))
		return STORE_CODEC_MEMORY;
	result = ZSTD_decompressDCtx(codec->unpacker, codec->unpacked,
	    STORE_PIECE_MAX, packed, packed_length);
	*why_r = ZSTD_isError(result) ? ZSTD_getErrorName(result)
				      : "Nothing is in it";
	/* An empty piece is never packed: it would look like a body's end. */
	if (ZSTD_isError(result) || result == 0)
		return STORE_CODEC_DAMAGED;
	*bytes_r = codec->unpacked;
	*length_r = result;
	return STORE_CODEC_OK;
}
