/*
 * The section of an account that is to be added, as it goes into its file.
 */
#ifndef CTL_ADD_SECTION_H
#define CTL_ADD_SECTION_H

#include "daemon/ctl/add_client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/finding.h"
#include "daemon/secret/secret.h"

/* What it says; NULL where it does not. */
struct add_section {
	const char *name;
	const struct finding_server *server;
	const char *user;
	const struct secret *password;
	const char *password_file, *password_command;
	const struct add_client *client;
	const char *key_file; /* seals what is secret; NULL: it is not sealed */
	const char *keep, *deliver;
	bool is_baseline;
	const struct invocation *invocation; /* with any --set */
};

/*
 * The text, for free() after it is wiped.  NULL or not, *code_r tells whether
 * it is good, the reason said.
 */
char *add_section_text(const struct ctl *, const struct add_section *,
    size_t *length_r, enum ctl_exit *code_r)
    __attribute__((warn_unused_result));

#endif
