foreach(part schedule backoff advice host ledger policy shortfall unchanged agenda turns)
	evpop_unit_test(poll_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_poll_${part}.c
		LIBS evpopd_poll)
endforeach()
evpop_unit_test(poll_known
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_known.c
	LIBS test_store_fixture evpopd_poll)
evpop_unit_test(poll_servers
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_servers.c
	LIBS test_store_fixture evpopd_poll)
target_link_options(test_poll_servers PRIVATE
	-Wl,--wrap=evpop_memory_restore -Wl,--wrap=evpop_memory_changed)
evpop_unit_test(poll_outages
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_outages.c
	LIBS evpopd_poll)
target_link_options(test_poll_outages PRIVATE -Wl,--wrap=event_new
	-Wl,--wrap=log_write_about -Wl,--wrap=evpop_clock_monotonic_ms)
evpop_unit_test(poll_memory
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_memory.c
	${CMAKE_CURRENT_SOURCE_DIR}/test_config_folder.c
	LIBS evpopd_poll)
evpop_unit_test(poll_watch
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_watch.c
	${CMAKE_CURRENT_SOURCE_DIR}/test_config_folder.c
	LIBS evpopd_poll)
evpop_unit_test(poll_day
	${CMAKE_CURRENT_SOURCE_DIR}/test_poll_day.c
	${CMAKE_CURRENT_SOURCE_DIR}/poll_day_world.c
	${CMAKE_CURRENT_SOURCE_DIR}/poll_day_check.c
	${CMAKE_CURRENT_SOURCE_DIR}/poll_day_people.c
	LIBS evpopd_poll)
# Whole polls, of a server on the same loop.
foreach(part maildrops orders tls)
	evpop_unit_test(poll_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_poll_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/poll_house.c
		LIBS test_store_fixture evpop_net_for_tests evpopd_poll
		LABELS thread)
endforeach()
# With a store and a sync that are faked.
foreach(part deposit run)
	evpop_unit_test(poll_${part}
		${CMAKE_CURRENT_SOURCE_DIR}/test_poll_${part}.c
		${CMAKE_CURRENT_SOURCE_DIR}/poll_fakes.c
		LIBS evpopd_poll)
endforeach()
foreach(part orders run)
	target_link_libraries(test_poll_${part} PRIVATE evpop_failing_alloc)
endforeach()
