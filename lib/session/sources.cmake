set(EVPOP_SESSION_SOURCES
	session/listing.c
	session/plan.c
	session/survey.c
	session/sync.c
	session/transfer.c)
