foreach(part schedule backoff host policy unchanged)
	evpop_unit_test(poll_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_poll_${part}.c
		LIBS evpopd_poll)
endforeach()
