if(NOT EVPOP_NETX)
	return()
endif()

# The NetX facade, and what it receives cut wherever a test wants it.
foreach(part weaknesses parameters status pool options kernel alloc)
	evpop_unit_test(netx_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_netx_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_netx_run.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_session_easy_run.c
		LIBS evpop_netx_static evpop_net_for_tests Threads::Threads
		LABELS thread)
	target_link_options(test_netx_${part} PRIVATE
		-Wl,--wrap=recv)
endforeach()
target_sources(test_netx_options PRIVATE
	${CMAKE_CURRENT_SOURCE_DIR}/net_socket.c)
target_link_options(test_netx_options PRIVATE -Wl,--wrap=connect)
target_link_libraries(test_netx_alloc PRIVATE evpop_failing_alloc)
target_link_options(test_netx_kernel PRIVATE
	-Wl,--wrap=mmap,--wrap=pthread_create)
