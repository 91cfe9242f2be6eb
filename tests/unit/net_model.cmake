# Whole clients against servers of a model, see tests/fuzz: by chance, and in
# worlds in which one went wrong.
evpop_unit_test(net_model test_net_model.c LIBS evpop_model)
evpop_unit_test(net_model_cases test_net_model_cases.c LIBS evpop_model)
# Longer, with worlds of its own.
add_test(NAME unit.net_model_slow COMMAND test_net_model)
set_tests_properties(unit.net_model_slow PROPERTIES LABELS "unit;slow;long"
	TIMEOUT 1800
	ENVIRONMENT "EVPOP_MODEL_FIRST=1000000;EVPOP_MODEL_SEEDS=10000")
evpop_tests_first(unit.net_model unit.net_model_cases unit.net_model_slow)
evpop_tests_sanitized(unit.net_model_cases)
