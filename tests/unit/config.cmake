foreach(subject read values accounts diff documents habits provider targets wipe)
	evpop_unit_test(config_${subject}
		${CMAKE_CURRENT_SOURCE_DIR}/test_config_${subject}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_config_folder.c
		LIBS evpopd_config)
endforeach()
target_compile_definitions(test_config_documents PRIVATE
	CONFIG_SAMPLE="${CMAKE_SOURCE_DIR}/conf/evpopd.conf"
	CONFIG_MANUAL="${CMAKE_SOURCE_DIR}/conf/evpopd.conf.5")
target_link_options(test_config_wipe PRIVATE
	-Wl,--wrap=free,--wrap=realloc)
target_link_options(test_config_accounts PRIVATE
	-Wl,--wrap=strcmp,--wrap=strcasecmp)
evpop_unit_test(config_maildrop
	${CMAKE_CURRENT_SOURCE_DIR}/test_config_maildrop.c LIBS evpopd_config)
