evpop_unit_test(secret_sources
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_sources.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
evpop_unit_test(secret_mark
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_mark.c
	LIBS evpopd_secret)
evpop_unit_test(secret_command
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_command.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
target_link_options(test_secret_command PRIVATE -Wl,--wrap=free)
target_link_options(test_secret_sources PRIVATE -Wl,--wrap=fstatvfs)
