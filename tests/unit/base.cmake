# The leaves of the library, by themselves.
evpop_unit_test(base_hex test_base_hex.c LIBS evpop_base)
