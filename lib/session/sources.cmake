set(EVPOP_SESSION_SOURCES
	session/listing.c
	session/plan.c
	session/sync.c
	session/transfer.c)
