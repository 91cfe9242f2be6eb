foreach(part plan listing)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		LIBS evpop_static)
endforeach()
evpop_unit_test(session_sync ${CMAKE_CURRENT_SOURCE_DIR}/test_session_sync.c
	LIBS evpop_net_for_tests)
