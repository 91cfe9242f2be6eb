evpop_unit_test(log_libevent test_log_libevent.c
	LIBS evpopd_log PkgConfig::LIBEVENT)
