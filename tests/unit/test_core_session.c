/* Every command, answered well and badly; log-in, QUIT, STLS, pipelining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_core_player.h"

static const struct exchange commands[] = {
	{ .name = "log-in",
	    .commands = LOGIN,
	    .replies = { LOGGED },
	    .events = LOGGED_EVENTS },
	{ .name = "no greeting",
	    .commands = LOGIN,
	    .replies = { OCTETS("") },
	    .wire = "",
	    .events = "" },
	{ .name = "bare status lines, in lower case",
	    .commands = LOGIN "|NOOP|QUIT",
	    .replies = { OCTETS("+ok\r\n"), OCTETS("+Ok\r\n"),
		OCTETS("+ok\r\n"), OCTETS("-err\r\n"), OCTETS("+OK\r\n") },
	    .events = "greeting ok ''\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n"
		      "done NOOP refused@command message 'the server gave no "
		      "reason'\n"
		      "done QUIT ok '' quit=committed\n"
		      "closed ok ''\n" },
	{ .name = "status lines in LF",
	    .commands = LOGIN "|STAT",
	    .replies = { OCTETS("+OK hi\n"), OCTETS("+OK\n"),
		OCTETS("+OK in\n"), OCTETS("+OK 1 2\n") },
	    .events = LOGGED_EVENTS "done STAT ok '1 2' number=1 octets=2\n" },
	{ .name = "STAT",
	    .commands = LOGIN "|STAT|STAT|STAT",
	    .replies = { LOGGED, OCTETS("+OK 2 320\r\n"), OCTETS("+OK 0 0\r\n"),
		OCTETS("-ERR no\r\n") },
	    .events =
		LOGGED_EVENTS "done STAT ok '2 320' number=2 octets=320\n"
			      "done STAT ok '0 0' octets=0\n"
			      "done STAT refused@command message 'no'\n" },
	{ .name = "STAT with odd numbers",
	    .commands = LOGIN "|STAT|STAT|STAT|STAT|STAT|STAT",
	    .replies = { LOGGED, OCTETS("+OK  3\t99999999999 more\r\n"),
		OCTETS("+OK 3 -1\r\n"), OCTETS("+OK 3\r\n"),
		OCTETS("+OK 4294967296 5\r\n"), OCTETS("+OK you have 3\r\n"),
		OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS
	    "done STAT ok '3?99999999999 more' number=3 octets=99999999999\n"
	    "done STAT ok '3 -1' number=3\n"
	    "done STAT ok '3' number=3\n"
	    "done STAT protocol@command message retry "
	    "'STAT was answered without a number'\n"
	    "done STAT protocol@command message retry "
	    "'STAT was answered without a number'\n"
	    "done STAT protocol@command message retry "
	    "'STAT was answered without a number'\n" },
	{ .name = "LIST n",
	    .commands = LOGIN "|LIST 2|LIST 3|LIST 4",
	    .replies = { LOGGED, OCTETS("+OK 2 200\r\n"),
		OCTETS("-ERR no such message\r\n"), OCTETS("+OK none\r\n") },
	    .events = LOGGED_EVENTS
	    "done LIST ok '2 200' number=2 octets=200\n"
	    "done LIST refused@command message 'no such message'\n"
	    "done LIST protocol@command message retry "
	    "'LIST was answered without a number'\n" },
	{ .name = "UIDL n",
	    .commands = LOGIN "|UIDL 2|UIDL 3|UIDL 4|UIDL 5",
	    .replies = { LOGGED, OCTETS("+OK 2  QhdPYR:00WBw1Ph7x7 \r\n"),
		OCTETS("+OK 3\r\n"), OCTETS("-ERR no\r\n"),
		OCTETS("+OK \r\n") },
	    .events =
		LOGGED_EVENTS "done UIDL ok '2  QhdPYR:00WBw1Ph7x7' number=2 "
			      "id='QhdPYR:00WBw1Ph7x7'\n"
			      "done UIDL ok '3' number=3 id=''\n"
			      "done UIDL refused@command message 'no'\n"
			      "done UIDL protocol@command message retry "
			      "'UIDL was answered without a number'\n" },
	{ .name = "RETR and TOP",
	    .commands = LOGIN "|RETR 1|RETR 2|TOP 3 10|TOP 4 0",
	    .replies = { LOGGED, OCTETS("+OK 6 octets\r\nhello\r\n.\r\n"),
		OCTETS("-ERR gone\r\n"), OCTETS("+OK\r\na\r\n\r\n.\r\n"),
		OCTETS("-ERR [SYS/TEMP] later\r\n") },
	    .events = LOGGED_EVENTS
	    "begin RETR ok '6 octets' number=1 octets=6\n"
	    "body 'hello^M^J'\n"
	    "done RETR ok '6 octets'\n"
	    "done RETR refused@command message 'gone'\n"
	    "begin TOP ok '' number=3\n"
	    "body 'a^M^J^M^J'\n"
	    "done TOP ok ''\n"
	    "done TOP refused@command session retry [SYS/TEMP] "
	    "'[SYS/TEMP] later'\n" },
	{ .name = "DELE, NOOP, RSET",
	    .commands = LOGIN "|DELE 1|DELE 2|NOOP|NOOP|RSET|RSET",
	    .replies = { LOGGED, OCTETS("+OK marked\r\n"),
		OCTETS("-ERR no\r\n"), OCTETS("+OK\r\n"), OCTETS("-ERR no\r\n"),
		OCTETS("+OK\r\n"), OCTETS("-ERR no\r\n") },
	    .events =
		LOGGED_EVENTS "done DELE ok 'marked'\n"
			      "done DELE refused@command message 'no'\n"
			      "done NOOP ok ''\n"
			      "done NOOP refused@command message 'no'\n"
			      "done RSET ok ''\n"
			      "done RSET refused@command message 'no'\n" },
	{ .name = "CAPA before and after the log-in",
	    .commands = "CAPA|" LOGIN "|CAPA|CAPA",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR what\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK list\r\nTOP\r\n..X\r\n\r\n.\r\n"),
		OCTETS("+OK\r\n.\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "done CAPA refused@command message 'what'\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n"
		      "begin CAPA ok 'list'\n"
		      "line 'TOP'\n"
		      "line '.X'\n"
		      "line ''\n"
		      "done CAPA ok 'list'\n"
		      "begin CAPA ok ''\n"
		      "done CAPA ok ''\n" },
	{ .name = "response codes",
	    .commands = LOGIN "|NOOP|NOOP|NOOP|NOOP|NOOP",
	    .replies = { LOGGED, OCTETS("-ERR [LOGIN-DELAY] wait\r\n"),
		OCTETS("-ERR [SYS/PERM] broken\r\n"),
		OCTETS("-ERR [AUTH] who\r\n"), OCTETS("-ERR [X] eh\r\n"),
		OCTETS("+OK [UTF8] so\r\n") },
	    .events = LOGGED_EVENTS
	    "done NOOP refused@command session retry [LOGIN-DELAY] "
	    "'[LOGIN-DELAY] wait'\n"
	    "done NOOP refused@command account [SYS/PERM] "
	    "'[SYS/PERM] broken'\n"
	    "done NOOP refused@command message [AUTH] '[AUTH] who'\n"
	    "done NOOP refused@command message [other] '[X] eh'\n"
	    "done NOOP ok [UTF8] '[UTF8] so'\n" },
	{ .name = "terminal escapes in a reply",
	    .commands = LOGIN "|NOOP",
	    .replies = { LOGGED, OCTETS("-ERR \x1b[31m\0a\x9b\r\n") },
	    .events = LOGGED_EVENTS
	    "done NOOP refused@command message '?[31m?a?'\n" },
};

static const struct exchange logins[] = {
	{ .name = "PASS refused cancels what was not sent",
	    .commands = LOGIN "|STAT|CAPA|RETR 1|QUIT",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR no\r\n"), OCTETS("+OK\r\n.\r\n"),
		OCTETS("+OK\r\n") },
	    .wire = LOGIN "|CAPA|QUIT",
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS auth@login account 'no'\n"
		      "done STAT cancelled@login session "
		      "'the log-in was refused: no'\n"
		      "begin CAPA ok ''\n"
		      "done CAPA ok ''\n"
		      "done RETR cancelled@login session "
		      "'the log-in was refused: no'\n"
		      "done QUIT ok ''\n"
		      "closed ok ''\n" },
	{ .name = "PASS refused, and what was sent is answered",
	    .commands = LOGIN "|STAT|RETR 1|QUIT",
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR no\r\n"), OCTETS("-ERR first log in\r\n"),
		OCTETS("-ERR you too\r\n"), OCTETS("+OK\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS auth@login account 'no'\n"
		      "done STAT refused@command message 'first log in'\n"
		      "done RETR refused@command message 'you too'\n"
		      "done QUIT ok ''\n"
		      "closed ok ''\n" },
	{ .name = "maildrop in use",
	    .commands = LOGIN "|STAT",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR [IN-USE] busy\r\n") },
	    .wire = LOGIN,
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS refused@login session retry [IN-USE] "
		      "'[IN-USE] busy'\n"
		      "done STAT cancelled@login session "
		      "'the log-in was refused: [IN-USE] busy'\n" },
	{ .name = "USER refused cancels PASS",
	    .commands = LOGIN "|STAT|QUIT",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR who\r\n"),
		OCTETS("-ERR bye\r\n") },
	    .wire = "USER joe|QUIT",
	    .events = "greeting ok 'hi'\n"
		      "done USER auth@login account 'who'\n"
		      "done PASS cancelled@login session "
		      "'the log-in was refused: who'\n"
		      "done STAT cancelled@login session "
		      "'the log-in was refused: who'\n"
		      "done QUIT refused@quit message 'bye'\n"
		      "closed ok ''\n" },
	{ .name = "USER refused, PASS sent",
	    .commands = LOGIN,
	    .window_commands = 2,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR who\r\n"),
		OCTETS("-ERR no\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "done USER auth@login account 'who'\n"
		      "done PASS auth@login account 'no'\n" },
	{ .name = "a second try",
	    .commands = LOGIN "|USER jim|PASS y|NOOP",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR who\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .wire = "USER joe|USER jim|PASS y|NOOP",
	    .events = "greeting ok 'hi'\n"
		      "done USER auth@login account 'who'\n"
		      "done PASS cancelled@login session "
		      "'the log-in was refused: who'\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n"
		      "done NOOP ok ''\n" },
	{ .name = "a second try, a refusal of USER overtaken by another",
	    .commands = "USER joe|USER jim|PASS y|NOOP",
	    .window_commands = 2,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR who\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "done USER auth@login account 'who'\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n"
		      "done NOOP ok ''\n" },
	{ .name = "USER and PASS refused once logged in",
	    .commands = LOGIN "|" LOGIN "|NOOP|PASS y|NOOP",
	    .replies = { LOGGED, OCTETS("-ERR again\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK\r\n") },
	    .wire = LOGIN "|USER joe|NOOP|NOOP",
	    .events = LOGGED_EVENTS "done USER auth@login account 'again'\n"
				    "done PASS cancelled@login session "
				    "'the log-in was refused: again'\n"
				    "done NOOP ok ''\n"
				    "done PASS cancelled@login session "
				    "'the log-in was refused: again'\n"
				    "done NOOP ok ''\n" },
	{ .name = "USER refused while CAPA is under way",
	    .commands = "USER joe|CAPA|PASS x",
	    .window_commands = 2,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR who\r\n"),
		OCTETS("+OK\r\n.\r\n") },
	    .wire = "USER joe|CAPA",
	    .events = "greeting ok 'hi'\n"
		      "done USER auth@login account 'who'\n"
		      "begin CAPA ok ''\n"
		      "done CAPA ok ''\n"
		      "done PASS cancelled@login session "
		      "'the log-in was refused: who'\n" },
	{ .name = "no log-in asked for, with CAPA under way",
	    .commands = "CAPA|STAT|QUIT",
	    .window_commands = 9,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR\r\n"),
		OCTETS("+OK bye\r\n") },
	    .wire = "CAPA|QUIT",
	    .events = "greeting ok 'hi'\n"
		      "done CAPA refused@command message 'the server gave no "
		      "reason'\n"
		      "done STAT cancelled@login session 'not logged in'\n"
		      "done QUIT ok 'bye'\n"
		      "closed ok ''\n" },
	{ .name = "no log-in asked for",
	    .commands = "STAT|LIST|QUIT",
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK bye\r\n") },
	    .wire = "QUIT",
	    .events = "greeting ok 'hi'\n"
		      "done STAT cancelled@login session 'not logged in'\n"
		      "done LIST cancelled@login session 'not logged in'\n"
		      "done QUIT ok 'bye'\n"
		      "closed ok ''\n" },
};

static const struct exchange quits[] = {
	{ .name = "committed",
	    .commands = LOGIN "|QUIT",
	    .replies = { LOGGED, OCTETS("+OK bye\r\n") },
	    .events = LOGGED_EVENTS "done QUIT ok 'bye' quit=committed\n"
				    "closed ok ''\n" },
	{ .name = "refused",
	    .commands = LOGIN "|DELE 1|QUIT",
	    .replies = { LOGGED, OCTETS("+OK\r\n"),
		OCTETS("-ERR some deleted messages not removed\r\n") },
	    .events = LOGGED_EVENTS
	    "done DELE ok ''\n"
	    "done QUIT refused@quit message "
	    "'some deleted messages not removed' quit=refused\n"
	    "closed ok ''\n" },
	{ .name = "never answered",
	    .commands = LOGIN "|QUIT",
	    .replies = { LOGGED },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "done QUIT io@quit session retry 'the server closed the "
	    "connection without answering QUIT' quit=unknown\n"
	    "closed io@quit session retry 'the server closed the "
	    "connection without answering QUIT'\n" },
	{ .name = "pipelined and lost",
	    .commands = LOGIN "|DELE 1|QUIT",
	    .window_commands = 10,
	    .replies = { LOGGED },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "done DELE io@command session retry 'the server closed the "
	    "connection in the middle of the session'\n"
	    "done QUIT io@command session retry 'the server closed the "
	    "connection in the middle of the session' quit=unknown\n"
	    "closed io@command session retry 'the server closed the "
	    "connection in the middle of the session'\n" },
	{ .name = "pipelined, lost before PASS was answered",
	    .commands = LOGIN "|QUIT",
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n") },
	    .ending = PLAY_ENDS_EOF,
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS io@login session retry 'the server closed the "
		      "connection instead of answering the log-in'\n"
		      "done QUIT io@login session retry 'the server closed the "
		      "connection instead of answering the log-in' "
		      "quit=unknown\n"
		      "closed io@login session retry 'the server closed the "
		      "connection instead of answering the log-in'\n" },
	{ .name = "not sent",
	    .commands = LOGIN "|NOOP|QUIT",
	    .replies = { LOGGED },
	    .wire = LOGIN "|NOOP",
	    .ending = PLAY_ENDS_FAIL,
	    .events = LOGGED_EVENTS
	    "done NOOP timeout@command session retry 'too late'\n"
	    "done QUIT timeout@command session retry 'too late'\n"
	    "closed timeout@command session retry 'too late'\n" },
	{ .name = "nothing at stake",
	    .commands = "QUIT",
	    .replies = { OCTETS("+OK\r\n") },
	    .ending = PLAY_ENDS_FAIL,
	    .events = "greeting ok ''\n"
		      "done QUIT timeout@command session retry 'too late'\n"
		      "closed timeout@command session retry 'too late'\n" },
	{ .name = "words behind the answer are not read",
	    .commands = LOGIN "|QUIT",
	    .replies = { LOGGED, OCTETS("+OK bye\r\n* and more") },
	    .events = LOGGED_EVENTS "done QUIT ok 'bye' quit=committed\n"
				    "closed ok ''\n" },
};

static const struct exchange tls[] = {
	{ .name = "STLS",
	    .commands = "CAPA|STLS|CAPA|" LOGIN,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\nSTLS\r\n.\r\n"),
		OCTETS("+OK go\r\n"), OCTETS("-ERR no\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "begin CAPA ok ''\n"
		      "line 'STLS'\n"
		      "done CAPA ok ''\n"
		      "done STLS ok 'go'\n"
		      "secured\n"
		      "done CAPA refused@command message 'no'\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n" },
	{ .name = "nothing is sent behind STLS before the handshake",
	    .commands = "CAPA|STLS|" LOGIN,
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n.\r\n"),
		OCTETS("+OK go\r\n"), OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "begin CAPA ok ''\n"
		      "done CAPA ok ''\n"
		      "done STLS ok 'go'\n"
		      "secured\n"
		      "done USER ok ''\n"
		      "done PASS ok ''\n" },
	{ .name = "STLS refused",
	    .commands = "STLS|NOOP|QUIT",
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("-ERR no TLS\r\n"),
		OCTETS("+OK\r\n") },
	    .wire = "STLS|QUIT",
	    .events = "greeting ok 'hi'\n"
		      "done STLS refused@command message 'no TLS'\n"
		      "done NOOP cancelled@login session 'not logged in'\n"
		      "done QUIT ok ''\n"
		      "closed ok ''\n" },
	{ .name = "octets behind the reply to STLS",
	    .commands = "STLS|CAPA",
	    .replies = { OCTETS("+OK hi\r\n"),
		OCTETS("+OK go\r\n+OK\r\nUSER\r\n.\r\n") },
	    .wire = "STLS",
	    .events =
		"greeting ok 'hi'\n"
		"done STLS ok 'go'\n"
		"done CAPA protocol@handshake session retry 'octets after the "
		"reply to STLS and before the handshake: somebody may be "
		"tampering with the connection'\n"
		"closed protocol@handshake session retry 'octets after the "
		"reply to STLS and before the handshake: somebody may be "
		"tampering with the connection'\n" },
	{ .name = "STLS behind a log-in",
	    .commands = LOGIN "|STLS|NOOP",
	    .window_commands = 10,
	    .replies = { LOGGED, OCTETS("+OK\r\n") },
	    .wire = LOGIN "|NOOP",
	    .events = LOGGED_EVENTS "done STLS cancelled@login session "
				    "'TLS cannot begin after the log-in'\n"
				    "done NOOP ok ''\n" },
	{ .name = "STLS behind a log-in that was refused",
	    .commands = LOGIN "|STLS",
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR over TLS only\r\n"), OCTETS("+OK\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS auth@login account 'over TLS only'\n"
		      "done STLS ok ''\n"
		      "secured\n" },
	{ .name = "STLS behind two log-ins, the first refused",
	    .commands = LOGIN "|PASS y|STLS|NOOP",
	    .window_commands = 10,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR no\r\n"), OCTETS("+OK in\r\n"),
		OCTETS("+OK\r\n") },
	    .wire = LOGIN "|PASS y|NOOP",
	    .events = "greeting ok 'hi'\n"
		      "done USER ok ''\n"
		      "done PASS auth@login account 'no'\n"
		      "done PASS ok 'in'\n"
		      "done STLS cancelled@login session "
		      "'TLS cannot begin after the log-in'\n"
		      "done NOOP ok ''\n" },
};

static const struct exchange pipelines[] = {
	{ .name = "a whole session in one flight",
	    .commands = LOGIN "|STAT|UIDL|RETR 1|DELE 1|QUIT",
	    .window_commands = 20,
	    .replies = { LOGGED, OCTETS("+OK 1 5\r\n"),
		OCTETS("+OK\r\n1 a\r\n.\r\n"), OCTETS("+OK\r\n..\r\n.\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS "done STAT ok '1 5' number=1 octets=5\n"
				    "begin UIDL ok ''\n"
				    "entry UIDL number=1 id='a'\n"
				    "done UIDL ok ''\n"
				    "begin RETR ok '' number=1\n"
				    "body '.^M^J'\n"
				    "done RETR ok ''\n"
				    "done DELE ok ''\n"
				    "done QUIT ok '' quit=committed\n"
				    "closed ok ''\n" },
	{ .name = "a window of two",
	    .commands = LOGIN "|RETR 1|RETR 2|RETR 3|DELE 1|QUIT",
	    .window_commands = 2,
	    .replies = { LOGGED, OCTETS("+OK\r\na\r\n.\r\n"),
		OCTETS("-ERR no\r\n"), OCTETS("+OK\r\nc\r\n.\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS "begin RETR ok '' number=1\n"
				    "body 'a^M^J'\n"
				    "done RETR ok ''\n"
				    "done RETR refused@command message 'no'\n"
				    "begin RETR ok '' number=3\n"
				    "body 'c^M^J'\n"
				    "done RETR ok ''\n"
				    "done DELE ok ''\n"
				    "done QUIT ok '' quit=committed\n"
				    "closed ok ''\n" },
	{ .name = "failure amid a flight",
	    .commands = LOGIN "|RETR 1|RETR 2|DELE 1|STAT",
	    .window_commands = 20,
	    .replies = { LOGGED, OCTETS("+OK\r\na\r\n") },
	    .ending = PLAY_ENDS_FAIL,
	    .events = LOGGED_EVENTS
	    "begin RETR ok '' number=1\n"
	    "body 'a^M^J'\n"
	    "done RETR timeout@command session retry 'too late'\n"
	    "done RETR timeout@command session retry 'too late'\n"
	    "done DELE timeout@command session retry 'too late'\n"
	    "done STAT timeout@command session retry 'too late'\n"
	    "closed timeout@command session retry 'too late'\n" },
};

PLAY_TABLE(commands_well_and_badly_answered, commands)
PLAY_TABLE(log_ins_well_and_badly_answered, logins)
PLAY_TABLE(quit_has_three_outcomes, quits)
PLAY_TABLE(tls_begins_before_the_log_in_only, tls)
PLAY_TABLE(commands_in_flight_are_answered_in_turn, pipelines)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_well_and_badly_answered),
		cmocka_unit_test(log_ins_well_and_badly_answered),
		cmocka_unit_test(quit_has_three_outcomes),
		cmocka_unit_test(tls_begins_before_the_log_in_only),
		cmocka_unit_test(commands_in_flight_are_answered_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
