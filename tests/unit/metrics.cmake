foreach(part exposition keeper)
	evpop_unit_test(metrics_${part} test_metrics_${part}.c
		LIBS evpopd_metrics)
endforeach()
