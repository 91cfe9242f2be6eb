foreach(part plan listing)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		LIBS evpop_static)
endforeach()
foreach(part sync ends slices looks login)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/session_run.c
		LIBS evpop_net_for_tests)
endforeach()
