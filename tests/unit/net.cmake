# Clients against a server of the test's own, on loopback and on one loop.
pkg_check_modules(LIBEVENT_OPENSSL REQUIRED IMPORTED_TARGET libevent_openssl)

add_library(evpop_net_for_tests STATIC net_certificate.c net_ends.c
	net_proxy.c net_run.c net_server.c)
target_include_directories(evpop_net_for_tests PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(evpop_net_for_tests PRIVATE evpop_settings
	PUBLIC evpop_static PkgConfig::CMOCKA PkgConfig::LIBEVENT_OPENSSL)

foreach(part parts choice server session telemetry tls tls_socket tls_words flow failure connect lifetime local race
	tunnel idn names token)
	evpop_unit_test(net_${part} test_net_${part}.c
		LIBS evpop_net_for_tests)
endforeach()
target_link_libraries(test_net_lifetime PRIVATE evpop_failing_alloc)

evpop_unit_test(net_wipe test_net_wipe.c memory_search.c
	LIBS evpop_net_for_tests)
evpop_unit_test(net_socket test_net_socket.c net_socket.c
	LIBS evpop_net_for_tests)
target_link_options(test_net_socket PRIVATE -Wl,--wrap=connect)
target_link_options(test_net_parts PRIVATE
	-Wl,--wrap=evpop_clock_monotonic_ms)

evpop_unit_test(net_proxy test_net_proxy.c LIBS evpop_net_for_tests)
target_link_libraries(test_net_proxy PRIVATE evpop_failing_alloc)

# Keys that other threads compute, and a loop that turns meanwhile.
foreach(part derive scram)
	evpop_unit_test(net_${part} test_net_${part}.c held_threads.c
		LIBS evpop_net_for_tests Threads::Threads LABELS thread)
	target_link_options(test_net_${part} PRIVATE
		-Wl,--wrap=pthread_create)
endforeach()
target_link_libraries(test_net_derive PRIVATE evpop_failing_alloc)
target_link_libraries(test_net_scram PRIVATE PkgConfig::GSASL)
