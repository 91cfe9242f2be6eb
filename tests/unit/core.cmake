# The core without the layers above it, with every symbol in reach.
include(${CMAKE_SOURCE_DIR}/lib/core/sources.cmake)
include(${CMAKE_SOURCE_DIR}/lib/base/sources.cmake)
list(PREPEND EVPOP_CORE_SOURCES ${EVPOP_BASE_SOURCES})
list(TRANSFORM EVPOP_CORE_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/lib/)
add_library(evpop_core_for_tests STATIC ${EVPOP_CORE_SOURCES})
target_include_directories(evpop_core_for_tests PUBLIC
	${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
target_link_libraries(evpop_core_for_tests PRIVATE evpop_settings
	PUBLIC evpop_unistring)

foreach(part line dot dot_blocks reply refusal capability command printable queue model endless)
	evpop_unit_test(core_${part} test_core_${part}.c
		LIBS evpop_core_for_tests)
endforeach()
foreach(part session listing body broken ending submit alloc)
	evpop_unit_test(core_${part} test_core_${part}.c test_core_player.c
		LIBS evpop_core_for_tests)
endforeach()
target_link_libraries(test_core_alloc PRIVATE evpop_failing_alloc)
