foreach(subject network retry trace)
	evpop_unit_test(deliver_${subject} test_deliver_${subject}.c
		LIBS evpopd_deliver)
endforeach()
foreach(subject imap_reply imap_text lmtp_reply outflow)
	evpop_unit_test(deliver_${subject} test_deliver_${subject}.c
		LIBS evpopd_deliver)
endforeach()
foreach(subject maildir mbox)
	evpop_unit_test(deliver_${subject} test_deliver_${subject}.c
		deliver_parcels.c
		LIBS evpopd_deliver PkgConfig::LIBEVENT LABELS thread)
endforeach()
evpop_unit_test(deliver_http test_deliver_http.c deliver_parcels.c deliver_web.c
	LIBS evpopd_deliver evpopd_secret PkgConfig::JANSSON PkgConfig::LIBEVENT)
evpop_unit_test(deliver_gmail test_deliver_gmail.c deliver_parcels.c
	deliver_web.c
	LIBS evpopd_deliver PkgConfig::JANSSON PkgConfig::LIBEVENT)
evpop_unit_test(deliver_pipe test_deliver_pipe.c deliver_parcels.c
	LIBS evpopd_deliver PkgConfig::LIBEVENT LABELS thread)
evpop_unit_test(deliver_verdict test_deliver_verdict.c deliver_parcels.c
	deliver_web.c
	LIBS evpopd_deliver PkgConfig::LIBEVENT)
evpop_unit_test(deliver_engine test_deliver_engine.c deliver_house.c
	LIBS test_store_fixture evpopd_deliver LABELS thread)
# Carriers over real sockets, to a server on the same loop.
foreach(subject lmtp imap)
	evpop_unit_test(deliver_${subject} test_deliver_${subject}.c
		deliver_parcels.c deliver_server.c
		LIBS evpopd_deliver PkgConfig::LIBEVENT)
endforeach()
evpop_unit_test(http_web test_http_web.c deliver_web.c
	LIBS evpopd_deliver PkgConfig::LIBEVENT)
