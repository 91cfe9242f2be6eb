evpop_unit_test(hook test_hook.c LIBS evpopd_hook PkgConfig::LIBEVENT)
