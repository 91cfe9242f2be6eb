evpop_unit_test(ctl_text test_ctl_text.c LIBS evpopd_ctl)

evpop_unit_test(ctl_finding test_ctl_finding.c LIBS evpopd_ctl evpop_static)

evpop_unit_test(ctl_pace test_ctl_pace.c LIBS evpopd_ctl)

evpop_unit_test(ctl_manual test_ctl_manual.c LIBS evpopd_ctl)
target_compile_definitions(test_ctl_manual PRIVATE
	MANUAL="${CMAKE_SOURCE_DIR}/daemon/ctl/evpopctl.1")

foreach(subject command delivery policy)
	evpop_unit_test(ctl_${subject}
		${CMAKE_CURRENT_SOURCE_DIR}/test_ctl_${subject}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_ctl_daemon.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes_keys.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes_delivery.c
		${CMAKE_SOURCE_DIR}/daemon/poll/state.c
		LIBS evpopd_ctl evpopd_control)
	target_compile_definitions(test_ctl_${subject} PRIVATE
		EVPOPCTL="$<TARGET_FILE:evpopctl>")
	add_dependencies(test_ctl_${subject} evpopctl)
endforeach()

find_program(MANDOC mandoc)
if(MANDOC)
	add_test(NAME unit.ctl_manual.lint COMMAND ${MANDOC} -T lint -W warning
		${CMAKE_SOURCE_DIR}/daemon/ctl/evpopctl.1)
	set_tests_properties(unit.ctl_manual.lint PROPERTIES LABELS "unit;lint")
endif()
