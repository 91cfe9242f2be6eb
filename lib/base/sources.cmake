set(EVPOP_BASE_SOURCES
	base/arena.c
	base/array.c
	base/clock.c
	base/hash.c
	base/header_filter.c
	base/hex.c
	base/text.c)
