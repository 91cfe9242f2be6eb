foreach(part tally subscribers)
	evpop_unit_test(notify_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_notify_${part}.c
		LIBS evpopd_notify)
endforeach()
