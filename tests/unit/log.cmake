evpop_unit_test(log_libevent test_log_libevent.c
	LIBS evpopd_log PkgConfig::LIBEVENT)

# The journal's own function is ours there, so that its fields show.
evpop_unit_test(log_format test_log_format.c
	LIBS evpopd_log PkgConfig::JANSSON)
if(SYSTEMD_FOUND)
	target_compile_definitions(test_log_format PRIVATE EVPOPD_SYSTEMD)
	target_link_options(test_log_format PRIVATE
		-Wl,--wrap=sd_journal_sendv)
endif()
