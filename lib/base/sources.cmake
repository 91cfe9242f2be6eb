set(EVPOP_BASE_SOURCES
	base/header_filter.c
	base/hex.c
	base/text.c)
