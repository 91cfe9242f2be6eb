add_library(test_store_fixture STATIC
	test_store_fixture.c test_store_faulty.c test_store_outbox_calls.c)
target_include_directories(test_store_fixture PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(test_store_fixture PRIVATE evpop_settings
	PUBLIC evpopd_store PkgConfig::CMOCKA)

foreach(subject account ahead beginning binding body calendar check configure
	conversation failure faults feed flow held history identity keeping offset open
	outbox outbox_people pack place quarantine question ranked sealed search
	sender server subjects uid)
	evpop_unit_test(store_${subject} test_store_${subject}.c
		LIBS test_store_fixture evpopd_store LABELS thread)
endforeach()
foreach(subject chores codec grouping migration query roster scan schema
	sieve snippet)
	evpop_unit_test(store_${subject} test_store_${subject}.c
		LIBS test_store_fixture evpopd_store)
endforeach()
if(EVPOP_FAILPOINTS)
	evpop_unit_test(store_outbox_crash test_store_outbox_crash.c
		LIBS test_store_fixture evpopd_store)
endif()
target_link_libraries(test_store_sieve PRIVATE evpopd_control_text)
target_link_libraries(test_store_codec PRIVATE evpop_failing_alloc)
target_link_libraries(test_store_flow PRIVATE evpop_failing_alloc)
target_link_options(test_store_open PRIVATE -Wl,--wrap=flock)
target_link_options(test_store_check PRIVATE -Wl,--wrap=store_verify
	-Wl,--wrap=sqlite3_interrupt)
target_link_options(test_store_scan PRIVATE -Wl,--wrap=mail_header_find_end)
target_link_options(test_store_question PRIVATE -Wl,--wrap=store_message_take
	-Wl,--wrap=evpop_clock_monotonic_ms -Wl,--wrap=store_ops_close)
target_link_options(test_store_sender PRIVATE -Wl,--wrap=store_fold_has
	-Wl,--wrap=evpop_clock_monotonic_ms)
target_link_options(test_store_held PRIVATE -Wl,--wrap=nanosleep
	-Wl,--wrap=evpop_clock_monotonic_ms)
target_link_options(test_store_chores PRIVATE
	-Wl,--wrap=evpop_clock_monotonic_ms)
target_link_options(test_store_calendar PRIVATE
	-Wl,--wrap=evpop_clock_unix_ms -Wl,--wrap=evpop_clock_elapsed_ms
	-Wl,--wrap=store_clock_built_ms -Wl,--wrap=store_clock_start)
target_link_options(test_store_keeping PRIVATE
	-Wl,--wrap=evpop_clock_monotonic_ms)
target_link_options(test_store_ahead PRIVATE -Wl,--wrap=mail_words_read)
