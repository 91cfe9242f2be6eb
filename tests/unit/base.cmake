# The leaves of the library, by themselves.
evpop_unit_test(base_array test_base_array.c LIBS evpop_base)
evpop_unit_test(base_hash test_base_hash.c LIBS evpop_base)
evpop_unit_test(base_hex test_base_hex.c LIBS evpop_base)
evpop_unit_test(base_text test_base_text.c LIBS evpop_base)
evpop_unit_test(base_arena test_base_arena.c LIBS evpop_base)
target_link_options(test_base_arena PRIVATE -Wl,--wrap=free)
evpop_unit_test(base_clock test_base_clock.c LIBS evpop_base)
evpop_unit_test(base_header_filter test_base_header_filter.c LIBS evpop_base)
