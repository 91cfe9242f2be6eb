foreach(part schedule backoff host policy unchanged agenda turns day)
	evpop_unit_test(poll_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_poll_${part}.c
		LIBS evpopd_poll)
endforeach()
evpop_unit_test(poll_memory
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_memory.c
	${CMAKE_CURRENT_SOURCE_DIR}/test_config_folder.c
	LIBS evpopd_poll)
