# libevpop-netx: the vendor's names over libevpop, which has none but its own.
set(EVPOP_NETX_SOURCES
	session/netx_create.c
	session/netx_kernel.c
	session/netx_mail.c
	session/netx_message.c
	session/netx_pool.c
	session/netx_session.c
	session/netx_system.c)
set(EVPOP_NETX_HEADERS
	${CMAKE_SOURCE_DIR}/include/evpop-netx/nx_api.h
	${CMAKE_SOURCE_DIR}/include/evpop-netx/nx_pop3_client.h
	${CMAKE_SOURCE_DIR}/include/evpop-netx/nxd_pop3_client.h
	${CMAKE_SOURCE_DIR}/include/evpop-netx/tx_api.h)
set(EVPOP_NETX_SYMBOLS ${CMAKE_CURRENT_SOURCE_DIR}/session/netx.map)

add_library(evpop_netx_objects OBJECT ${EVPOP_NETX_SOURCES})
set_target_properties(evpop_netx_objects PROPERTIES
	C_VISIBILITY_PRESET hidden)
target_include_directories(evpop_netx_objects PUBLIC
	${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR})
target_link_libraries(evpop_netx_objects PRIVATE evpop_settings
	PUBLIC Threads::Threads)

add_library(evpop_netx_static STATIC)
set_target_properties(evpop_netx_static PROPERTIES OUTPUT_NAME evpop-netx)
target_link_libraries(evpop_netx_static PUBLIC evpop_netx_objects evpop_static)

add_library(evpop_netx SHARED)
set_target_properties(evpop_netx PROPERTIES OUTPUT_NAME evpop-netx
	VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
	LINK_DEPENDS ${EVPOP_NETX_SYMBOLS}
	PUBLIC_HEADER "${EVPOP_NETX_HEADERS}")
target_link_libraries(evpop_netx PRIVATE evpop_netx_objects evpop_settings
	PUBLIC evpop)
target_link_options(evpop_netx PRIVATE
	-Wl,--version-script=${EVPOP_NETX_SYMBOLS})
target_include_directories(evpop_netx INTERFACE
	$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
	$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include/evpop-netx>
	$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
	$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/evpop-netx>)

install(TARGETS evpop_netx evpop_netx_static
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
	PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evpop-netx)
install(FILES ${CMAKE_SOURCE_DIR}/include/evpop/netx.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evpop)
configure_file(evpop-netx.pc.in ${CMAKE_CURRENT_BINARY_DIR}/evpop-netx.pc
	@ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/evpop-netx.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES evpop_netx.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
