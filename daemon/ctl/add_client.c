#include "daemon/ctl/add_client.h"

#include <string.h>
#include <unistd.h>

#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/print.h"

/* Where a client is registered, and that it takes one. */
static void
client_explain(const struct ctl *ctl, const struct config_provider *provider)
{
	print_detail(ctl, "Log-in",
	    "by OAuth 2, with a client id that you register there");
	print_detail(ctl, "Register at", provider->oauth2.register_url);
	print_detail(ctl, "How", "evpop-oauth(7) tells it step by step");
	fflush(ctl->out);
}

static enum ctl_exit
client_ask_id(const struct ctl *ctl, const struct config_provider *provider,
    bool asks, struct add_client *client)
{
	if (!asks) {
		ctl_warn(
		    ctl, "%s takes no passwords for POP3", provider->title);
		ctl_hint(ctl, "--client-id gives the id of a client of OAuth 2 "
			      "that you have registered there");
		ctl_hint(ctl, provider->oauth2.register_url);
		return CTL_NO_PERMISSION;
	}
	client_explain(ctl, provider);
	if (ask_line(ctl, "Client id", NULL, client->id) &&
	    client->id[0] != '\0')
		return CTL_OK;
	client->id[0] = '\0';
	ctl_warn(ctl, "nothing was added");
	return CTL_TROUBLE;
}

static enum ctl_exit
client_take_secret(const struct ctl *ctl, const struct add_client_wish *wish,
    struct add_client *client)
{
	int fd = STDIN_FILENO;

	if (wish->secret_fd != NULL) {
		if (!keyfile_descriptor(
			ctl, "client-secret-fd", wish->secret_fd, &fd))
			return CTL_USAGE;
	} else if (!wish->asks || wish->id != NULL ||
		   ask_yes(ctl, "Has it a secret", ASK_NO) != ASK_YES)
		return CTL_OK;
	client->secret =
	    keyfile_ask(ctl, fd, "Client secret", "client secret", false);
	return client->secret != NULL ? CTL_OK : CTL_USAGE;
}

enum ctl_exit
add_client_take(const struct ctl *ctl, const struct add_client_wish *wish,
    const struct config_provider *provider, struct add_client *client_r)
{
	bool is_needed = provider != NULL &&
			 (provider->flags & CONFIG_PROVIDER_NO_PASSWORD) != 0;
	enum ctl_exit code = CTL_OK;

	memset(client_r, 0, sizeof(*client_r));
	client_r->flow = wish->flow;
	if (wish->id != NULL)
		(void)snprintf(
		    client_r->id, sizeof(client_r->id), "%s", wish->id);
	else if (is_needed)
		code = client_ask_id(
		    ctl, provider, wish->asks && !wish->has_password, client_r);
	return code == CTL_OK && client_r->id[0] != '\0'
		   ? client_take_secret(ctl, wish, client_r)
		   : code;
}

bool
add_client_is_alone(const struct add_client *client)
{
	return client->flow != NULL &&
	       strcmp(client->flow, "client-credentials") == 0;
}

void
add_client_free(struct add_client *client)
{
	secret_free(&client->secret);
}
