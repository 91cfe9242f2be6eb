evpop_unit_test(control_text test_control_text.c
	LIBS evpopd_control_text evpopd_control)
evpop_unit_test(control_admission test_control_admission.c
	LIBS evpopd_control)
evpop_unit_test(control_connections test_control_connections.c
	test_control_fakes.c test_control_fakes_keys.c test_control_fakes_delivery.c ${CMAKE_SOURCE_DIR}/daemon/poll/state.c
	LIBS evpopd_control)
evpop_unit_test(control_range test_control_range.c
	LIBS evpopd_control)
evpop_unit_test(control_routes test_control_routes.c test_control_fakes.c
	test_control_fakes_keys.c test_control_fakes_delivery.c
	${CMAKE_SOURCE_DIR}/daemon/poll/state.c
	LIBS evpopd_control)
evpop_unit_test(control_recent test_control_recent.c
	LIBS evpopd_control)
evpop_unit_test(control_openapi test_control_openapi.c test_control_fakes.c
	test_control_fakes_keys.c test_control_fakes_delivery.c
	${CMAKE_SOURCE_DIR}/daemon/poll/state.c
	LIBS evpopd_control)
foreach(subject accounts server policy crowd events delivery)
	evpop_unit_test(control_${subject}
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_${subject}.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_client.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes_keys.c
		${CMAKE_CURRENT_SOURCE_DIR}/test_control_fakes_delivery.c
		${CMAKE_SOURCE_DIR}/daemon/poll/state.c
		LIBS evpopd_control)
endforeach()

# Memcheck sees reads of uninitialised bytes that no sanitizer of gcc's does:
# of the unnamed peer address that evhttp has from accept(), above all.
find_program(VALGRIND valgrind)
if(VALGRIND AND NOT EVPOP_SANITIZE)
	add_test(NAME unit.control_server.memcheck COMMAND ${VALGRIND}
		--quiet --error-exitcode=99 --leak-check=full
		--errors-for-leak-kinds=definite $<TARGET_FILE:test_control_server>)
	set_tests_properties(unit.control_server.memcheck PROPERTIES
		LABELS "unit;slow" TIMEOUT 600)
endif()
