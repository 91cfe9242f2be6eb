# The mechanisms without the layers above them, with every symbol in reach.
include(${CMAKE_SOURCE_DIR}/lib/auth/sources.cmake)
list(TRANSFORM EVPOP_AUTH_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/lib/)
add_library(evpop_auth_for_tests STATIC ${EVPOP_AUTH_SOURCES})
target_link_libraries(evpop_auth_for_tests PRIVATE evpop_settings
	PUBLIC evpop_core_for_tests PkgConfig::GSASL PkgConfig::IDN
	PkgConfig::OPENSSL)

foreach(part names apop)
	evpop_unit_test(auth_${part} test_auth_${part}.c
		LIBS evpop_auth_for_tests)
endforeach()
foreach(part plain oauth scram vectors keys wipe alloc)
	evpop_unit_test(auth_${part} test_auth_${part}.c test_auth_player.c
		LIBS evpop_auth_for_tests)
endforeach()
target_sources(test_auth_wipe PRIVATE memory_search.c)
target_link_libraries(test_auth_alloc PRIVATE evpop_failing_alloc)
target_link_options(test_auth_apop PRIVATE
	-Wl,--wrap=memchr,--wrap=strchr)
target_link_options(test_auth_vectors PRIVATE
	-Wl,--wrap=RAND_bytes,--wrap=evpop_base64_encode)
target_link_options(test_auth_wipe PRIVATE -Wl,--wrap=munmap)
