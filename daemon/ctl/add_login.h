/*
 * The log-in of an account that is to be added: who logs in, with which
 * password, and whether the server takes it.
 */
#ifndef CTL_ADD_LOGIN_H
#define CTL_ADD_LOGIN_H

#include "daemon/ctl/add_server.h"
#include "daemon/ctl/ask.h"
#include "daemon/secret/secret.h"

struct add_login_wish {
	const char *address;
	const char *user; /* NULL: as the server was found */
	const char *fd;   /* the password is a line of it; NULL: ask */
	bool asks;        /* again where it is refused */
};

struct add_login {
	char user[ASK_LINE];
	struct secret *password;  /* NULL: not asked for */
	uint64_t messages, bytes; /* that the maildrop holds */
};

/* Who logs in. */
enum ctl_exit add_login_user(const struct add_login_wish *,
    const struct finding_server *, struct add_login *login_r)
    __attribute__((warn_unused_result));

/*
 * Take the password, and log in; where somebody is asked, again with what else
 * they type.  CTL_OK, or what to exit with, the reason said.
 */
enum ctl_exit add_login_run(const struct ctl *, const struct add_login_wish *,
    const struct finding_server *, struct add_login *)
    __attribute__((warn_unused_result));

/* Log in once with this password, and say why it does not work. */
enum ctl_exit add_login_try(const struct ctl *, const struct finding_server *,
    const struct secret *, struct add_login *)
    __attribute__((warn_unused_result));

#endif
