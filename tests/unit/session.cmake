foreach(part plan identity digest same)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/session_plan.c
		LIBS evpop_static)
endforeach()
foreach(part listing header attempt)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		LIBS evpop_static)
endforeach()
foreach(part sync ends slices looks alloc again cut doubt growth login
	unchanged)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/session_run.c
		LIBS evpop_net_for_tests)
endforeach()
target_link_libraries(test_session_identity PRIVATE evpop_failing_alloc)
target_link_libraries(test_session_alloc PRIVATE evpop_failing_alloc)

# The blocking client against the same server, on a thread of its own.
foreach(part easy easy_body easy_ends)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_easy_run.c
		LIBS evpop_net_for_tests Threads::Threads)
endforeach()
target_link_libraries(test_session_easy_ends PRIVATE evpop_failing_alloc)
