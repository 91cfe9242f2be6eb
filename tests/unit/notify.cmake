evpop_unit_test(notify_tally
	${CMAKE_CURRENT_SOURCE_DIR}/test_notify_tally.c
	LIBS evpopd_notify)
