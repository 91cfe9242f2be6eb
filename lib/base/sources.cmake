set(EVPOP_BASE_SOURCES
	base/utf8.c)
