foreach(subject charset)
	evpop_unit_test(mail_${subject} test_mail_${subject}.c
		LIBS evpopd_store LABELS thread)
endforeach()
foreach(subject date envelope parts reading words)
	evpop_unit_test(mail_${subject} test_mail_${subject}.c
		LIBS evpopd_store)
endforeach()
evpop_unit_test(mail_apart test_mail_apart.c LIBS evpopd_store)
target_link_options(test_mail_apart PRIVATE -Wl,--wrap=mail_words_read
	-Wl,--wrap=mail_reading_feed)
target_link_options(test_mail_parts PRIVATE -Wl,--wrap=mail_boundary_match)
target_link_options(test_mail_words PRIVATE -Wl,--wrap=malloc)
