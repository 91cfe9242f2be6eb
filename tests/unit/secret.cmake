evpop_unit_test(secret_sources
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_sources.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
evpop_unit_test(secret_arguments
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_arguments.c
	LIBS evpopd_secret)
evpop_unit_test(secret_mark
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_mark.c
	LIBS evpopd_secret)
evpop_unit_test(secret_command
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_command.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
target_link_options(test_secret_command PRIVATE -Wl,--wrap=free)
target_link_options(test_secret_sources PRIVATE -Wl,--wrap=fstatvfs)
evpop_unit_test(secret_key
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_key.c
	LIBS evpopd_secret evpopd_sealing PkgConfig::SODIUM)
evpop_unit_test(secret_sealing
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_sealing.c
	LIBS evpopd_sealing PkgConfig::SODIUM PkgConfig::ZSTD)
evpop_unit_test(secret_sealed
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_sealed.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
evpop_unit_test(secret_starter
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_starter.c
	LIBS evpopd_secret PkgConfig::LIBEVENT)
evpop_unit_test(secret_webhook
	${CMAKE_CURRENT_SOURCE_DIR}/test_secret_webhook.c
	LIBS evpopd_secret)
evpop_unit_test(oauth_answer ${CMAKE_CURRENT_SOURCE_DIR}/test_oauth_answer.c
	LIBS evpopd_oauth evpopd_secret)
evpop_unit_test(oauth_token ${CMAKE_CURRENT_SOURCE_DIR}/test_oauth_token.c
	${CMAKE_CURRENT_SOURCE_DIR}/deliver_web.c
	LIBS evpopd_oauth evpopd_secret PkgConfig::LIBEVENT)
