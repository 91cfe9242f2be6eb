#include "daemon/ctl/configured.h"

#include <event2/event.h>

#include "daemon/ctl/accountfile.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/poll/credentials.h"

/* A command may ask somebody. */
#define SECRET_MS 60000

/* ---- the secret ---- */

struct fetching {
	const struct ctl *ctl;
	struct secret *secret;
	bool is_over;
};

static void
fetching_done(struct secret *secret, const char *error, void *arg)
{
	struct fetching *fetching = arg;

	fetching->secret = secret;
	fetching->is_over = true;
	if (secret == NULL)
		ctl_warn(fetching->ctl, "%s", error);
}

static bool
fetching_run(struct fetching *fetching, const struct secret_source *source)
{
	struct event_base *base = event_base_new();
	struct secret_request *request = NULL;

	if (base != NULL)
		request = secret_fetch(
		    base, source, SECRET_MS, fetching_done, fetching);
	if (request == NULL)
		ctl_warn(fetching->ctl, "out of memory");
	while (request != NULL && !fetching->is_over)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			break;
	if (base != NULL)
		event_base_free(base);
	return fetching->secret != NULL;
}

static enum ctl_exit
configured_fetch(const struct ctl *ctl, struct configured *configured)
{
	const char *key_file = config_key_file(configured->config);
	struct fetching fetching = { .ctl = ctl };
	struct secret_source source;
	struct secret_key *key = NULL;
	enum ctl_exit code = CTL_OK;
	uid_t own;

	if (!credentials_source(configured->account, &source))
		return CTL_OK;
	if (source.kind == SECRET_SEALED && key_file != NULL)
		key = keyfile_read(ctl, key_file, &code);
	source.key = key;
	own = secret_become_owner(
	    source.kind == SECRET_FILE ? source.value : NULL);
	if (code == CTL_OK && !fetching_run(&fetching, &source))
		code = CTL_CONFIG;
	secret_become(own);
	configured->secret = fetching.secret;
	secret_key_free(&key);
	return code;
}

/* ---- the file ---- */

static enum ctl_exit
configured_find(const struct ctl *ctl, const char *path, const char *account,
    struct configured *configured)
{
	enum ctl_exit code;

	configured->config = accountfile_config(ctl, path, &code);
	if (configured->config == NULL)
		return code;
	configured->account = config_find(configured->config, account);
	if (configured->account != NULL)
		return CTL_OK;
	ctl_warn(ctl, "%s: there is no account \"%s\"", path, account);
	return CTL_NOT_FOUND;
}

enum ctl_exit
configured_read(const struct ctl *ctl, const char *path, const char *account,
    struct configured *configured_r)
{
	enum ctl_exit code = keyfile_begin(ctl);

	*configured_r = (struct configured){ .config = NULL };
	if (code == CTL_OK)
		code = configured_find(ctl, path, account, configured_r);
	if (code == CTL_OK)
		code = configured_fetch(ctl, configured_r);
	if (code != CTL_OK)
		configured_free(configured_r);
	return code;
}

void
configured_free(struct configured *configured)
{
	secret_free(&configured->secret);
	config_free(&configured->config);
	configured->account = NULL;
}
