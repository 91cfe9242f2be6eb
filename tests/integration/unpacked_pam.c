/*
 * PAM for the servers of unpacked.c: the folder UNPACKED_USERS has a file for
 * each user, with the password.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As security/pam_appl.h has them, which need not be installed. */
enum {
	PAM_SUCCESS = 0,
	PAM_AUTH_ERR = 7,
	PAM_CONV_ERR = 19
};
enum {
	PAM_PROMPT_ECHO_OFF = 1
};
enum {
	PAM_ITEM_USER = 2
};

struct pam_message {
	int msg_style;
	const char *msg;
};

struct pam_response {
	char *resp;
	int resp_retcode;
};

struct pam_conv {
	int (*conv)(int count, const struct pam_message **messages,
	    struct pam_response **responses, void *arg);
	void *appdata_ptr;
};

struct pam_handle {
	char user[256];
	struct pam_conv conversation;
};

int pam_start(const char *service, const char *user,
    const struct pam_conv *conversation, struct pam_handle **handle);
int pam_authenticate(struct pam_handle *handle, int flags);
int pam_acct_mgmt(struct pam_handle *handle, int flags);
int pam_setcred(struct pam_handle *handle, int flags);
int pam_open_session(struct pam_handle *handle, int flags);
int pam_close_session(struct pam_handle *handle, int flags);
int pam_set_item(struct pam_handle *handle, int item, const void *value);
int pam_get_item(const struct pam_handle *handle, int item, const void **value);
int pam_end(struct pam_handle *handle, int status);
const char *pam_strerror(struct pam_handle *handle, int status);

int
pam_start(const char *service, const char *user,
    const struct pam_conv *conversation, struct pam_handle **handle)
{
	(void)service;
	*handle = calloc(1, sizeof **handle);
	if (*handle == NULL)
		return PAM_CONV_ERR;
	snprintf((*handle)->user, sizeof(*handle)->user, "%s",
	    user != NULL ? user : "");
	(*handle)->conversation = *conversation;
	return PAM_SUCCESS;
}

/* Whether this is the password of the user. */
static bool
password_fits(const char *user, const char *password)
{
	char path[PATH_MAX], kept[256];
	const char *users = getenv("UNPACKED_USERS");
	FILE *file;
	bool fits = false;

	if (users == NULL || user[0] == '\0' || strchr(user, '/') != NULL)
		return false;
	snprintf(path, sizeof path, "%s/%s", users, user);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	if (fgets(kept, sizeof kept, file) != NULL) {
		kept[strcspn(kept, "\n")] = '\0';
		fits = strcmp(kept, password) == 0;
	}
	fclose(file);
	return fits;
}

int
pam_authenticate(struct pam_handle *handle, int flags)
{
	const struct pam_message message = { PAM_PROMPT_ECHO_OFF,
		"Password: " };
	const struct pam_message *messages[] = { &message };
	struct pam_response *response = NULL;
	int status = PAM_AUTH_ERR;

	(void)flags;
	if (handle->conversation.conv(1, messages, &response,
		handle->conversation.appdata_ptr) != PAM_SUCCESS ||
	    response == NULL)
		return PAM_CONV_ERR;
	if (response->resp != NULL &&
	    password_fits(handle->user, response->resp))
		status = PAM_SUCCESS;
	free(response->resp);
	free(response);
	return status;
}

int
pam_acct_mgmt(struct pam_handle *handle, int flags)
{
	(void)handle;
	(void)flags;
	return PAM_SUCCESS;
}

int
pam_setcred(struct pam_handle *handle, int flags)
{
	return pam_acct_mgmt(handle, flags);
}

int
pam_open_session(struct pam_handle *handle, int flags)
{
	return pam_acct_mgmt(handle, flags);
}

int
pam_close_session(struct pam_handle *handle, int flags)
{
	return pam_acct_mgmt(handle, flags);
}

int
pam_set_item(struct pam_handle *handle, int item, const void *value)
{
	if (item == PAM_ITEM_USER && value != NULL)
		snprintf(handle->user, sizeof handle->user, "%s",
		    (const char *)value);
	return PAM_SUCCESS;
}

int
pam_get_item(const struct pam_handle *handle, int item, const void **value)
{
	*value = item == PAM_ITEM_USER ? handle->user : NULL;
	return PAM_SUCCESS;
}

int
pam_end(struct pam_handle *handle, int status)
{
	(void)status;
	free(handle);
	return PAM_SUCCESS;
}

const char *
pam_strerror(struct pam_handle *handle, int status)
{
	(void)handle;
	return status == PAM_SUCCESS ? "Success" : "Authentication failure";
}
