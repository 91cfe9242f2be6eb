#include "daemon/poll/setup.h"

bool
setup_secret(
    const struct config_account *account, struct secret_source *source_r)
{
	const struct secret_source sources[] = {
		{ SECRET_LITERAL, account->password },
		{ SECRET_FILE, account->password_file },
		{ SECRET_COMMAND, account->password_command },
		{ SECRET_CREDENTIAL, account->password_credential },
		{ SECRET_TOKEN_COMMAND, account->token_command },
	};
	size_t i;

	for (i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		if (sources[i].value == NULL)
			continue;
		*source_r = sources[i];
		return true;
	}
	return false;
}

void
setup_client(
    struct evpop_client_config *client, const struct config_account *account)
{
	*client = (struct evpop_client_config){
		.host = account->host,
		.port = account->port,
		.tls = (enum evpop_tls)account->tls,
		.allow_cleartext = account->allow_cleartext,
		.proxy = account->proxy,
		.source_address = account->source_address,
		.timeouts = {
			.resolve_ms = account->timeout_resolve_ms,
			.connect_ms = account->timeout_connect_ms,
			.handshake_ms = account->timeout_handshake_ms,
			.greeting_ms = account->timeout_greeting_ms,
			.login_ms = account->timeout_login_ms,
			.command_ms = account->timeout_command_ms,
			.body_ms = account->timeout_body_ms,
			.quit_ms = account->timeout_quit_ms,
			.session_ms = account->timeout_session_ms,
		},
	};
}
