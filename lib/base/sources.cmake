set(EVPOP_BASE_SOURCES
	base/hex.c
	base/utf8.c)
