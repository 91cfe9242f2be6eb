#include "daemon/ctl/add_section.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/keyfile.h"

/*
 * What is written into a line stays in it: nobody else's words become another
 * key.
 */
static bool
section_is_line(const struct ctl *ctl, const char *what, const char *value)
{
	for (const char *at = value; at != NULL && *at != '\0'; at++) {
		if ((unsigned char)*at >= ' ' && *at != 0x7f)
			continue;
		ctl_warn(ctl,
		    "add: the %s has a control character, which no "
		    "configuration can have",
		    what);
		return false;
	}
	return true;
}

static bool
section_check(const struct ctl *ctl, const struct add_section *section)
{
	const struct add_client *client = section->client;

	return section_is_line(ctl, "user name", section->user) &&
	       section_is_line(
		   ctl, "password file's name", section->password_file) &&
	       section_is_line(
		   ctl, "password command", section->password_command) &&
	       section_is_line(ctl, "client id", client->id) &&
	       section_is_line(ctl, "flow", client->flow) &&
	       section_is_line(ctl, "target", section->deliver) &&
	       (section->password == NULL || section->key_file != NULL ||
		   section_is_line(
		       ctl, "password", secret_text(section->password))) &&
	       (client->secret == NULL || section->key_file != NULL ||
		   section_is_line(
		       ctl, "client secret", secret_text(client->secret)));
}

static void
section_write_server(const struct finding_server *server, FILE *out)
{
	bool is_stls = server->tls == EVPOP_TLS_STLS;

	if (server->provider != NULL) {
		fprintf(out, "provider = %s\n", server->provider->name);
		return;
	}
	fprintf(out, "host = %s\n", server->host);
	if (server->port != (is_stls ? EVPOP_PORT : EVPOP_PORT_TLS))
		fprintf(out, "port = %u\n", server->port);
	if (is_stls)
		fprintf(out, "tls = stls\n");
}

/* In quotes, each inside doubled: then nothing else is special. */
static void
section_write_quoted(FILE *out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	fprintf(out, "%s = \"", key);
	for (; *text != '\0'; text++)
		fprintf(out, "%s%c", *text == '"' ? "\"" : "", *text);
	fprintf(out, "\"\n");
}

/* "password", or "password_sealed" where there is a key. */
static enum ctl_exit
section_write_secret(const struct ctl *ctl, const struct add_section *section,
    FILE *out, const char *what, const struct secret *secret)
{
	struct secret_key *key;
	enum ctl_exit code;
	char *sealed;

	if (secret == NULL)
		return CTL_OK;
	if (section->key_file == NULL) {
		section_write_quoted(out, what, secret_text(secret));
		return CTL_OK;
	}
	key = keyfile_read(ctl, section->key_file, &code);
	if (key == NULL)
		return code;
	sealed = secret_seal(key, secret, section->name);
	secret_key_free(&key);
	if (sealed == NULL)
		return ctl_no_memory(ctl);
	fprintf(out, "%s_sealed = %s\n", what, sealed);
	free(sealed);
	return CTL_OK;
}

static enum ctl_exit
section_write_log_in(
    const struct ctl *ctl, const struct add_section *section, FILE *out)
{
	const struct add_client *client = section->client;

	if (client->id[0] == '\0') {
		section_write_quoted(
		    out, "password_file", section->password_file);
		section_write_quoted(
		    out, "password_command", section->password_command);
		return section_write_secret(
		    ctl, section, out, "password", section->password);
	}
	section_write_quoted(out, "oauth2_client_id", client->id);
	if (client->flow != NULL)
		fprintf(out, "oauth2_flow = %s\n", client->flow);
	return section_write_secret(
	    ctl, section, out, "oauth2_client_secret", client->secret);
}

/* --set KEY=VALUE, as often as it was given. */
static enum ctl_exit
section_write_settings(
    const struct ctl *ctl, const struct add_section *section, FILE *out)
{
	const char *setting;

	for (size_t i = 0; (setting = command_value_at(
				section->invocation, "set", i)) != NULL;
	     i++) {
		size_t length = strcspn(setting, "=");

		if (!section_is_line(ctl, "setting", setting))
			return CTL_USAGE;
		if (length == 0 || setting[length] != '=') {
			ctl_warn(ctl,
			    "add: --set: expected KEY=VALUE, not \"%s\"",
			    setting);
			return CTL_USAGE;
		}
		fprintf(out, "%.*s = %s\n", (int)length, setting,
		    setting + length + 1);
	}
	return CTL_OK;
}

static enum ctl_exit
section_write(
    const struct ctl *ctl, const struct add_section *section, FILE *out)
{
	enum ctl_exit code;

	if (!section_check(ctl, section))
		return CTL_DATA;
	fprintf(out,
	    "# By \"evpopctl add\"; evpopd.conf(5) tells of the keys.\n"
	    "[account %s]\n",
	    section->name);
	section_write_server(section->server, out);
	section_write_quoted(out, "user", section->user);
	code = section_write_log_in(ctl, section, out);
	fprintf(out, "keep = %s\n", section->keep);
	if (section->is_baseline)
		fprintf(out, "baseline = yes\n");
	if (section->deliver != NULL)
		fprintf(out, "deliver = %s\n", section->deliver);
	return code == CTL_OK ? section_write_settings(ctl, section, out)
			      : code;
}

char *
add_section_text(const struct ctl *ctl, const struct add_section *section,
    size_t *length_r, enum ctl_exit *code_r)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length_r);

	if (out == NULL) {
		*code_r = ctl_no_memory(ctl);
		return NULL;
	}
	*code_r = section_write(ctl, section, out);
	if (fclose(out) != 0 && *code_r == CTL_OK)
		*code_r = ctl_no_memory(ctl);
	return text;
}
