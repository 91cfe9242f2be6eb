evpop_unit_test(confine
	${CMAKE_CURRENT_SOURCE_DIR}/test_confine.c
	LIBS evpopd_confine)
target_link_options(test_confine PRIVATE -Wl,--wrap=landlock_version)
