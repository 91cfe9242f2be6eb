foreach(part plan identity digest same)
	evpop_unit_test(session_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/session_plan.c
		LIBS evpop_static)
endforeach()
foreach(part listing header retry)
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

# The NetX facade, and what it receives cut wherever a test wants it.
foreach(part weaknesses parameters status pool options kernel alloc)
	evpop_unit_test(session_netx_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_netx_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_netx_run.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_easy_run.c
		LIBS evpop_netx_static evpop_net_for_tests Threads::Threads
		LABELS thread)
	target_link_options(test_session_netx_${part} PRIVATE
		-Wl,--wrap=recv)
endforeach()
target_sources(test_session_netx_options PRIVATE
	${CMAKE_CURRENT_SOURCE_DIR}/net_socket.c)
target_link_options(test_session_netx_options PRIVATE -Wl,--wrap=connect)
target_link_libraries(test_session_netx_alloc PRIVATE evpop_failing_alloc)
target_link_options(test_session_netx_kernel PRIVATE
	-Wl,--wrap=mmap,--wrap=pthread_create)
