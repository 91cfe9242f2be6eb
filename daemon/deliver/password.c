#include "daemon/deliver/password.h"

#include "daemon/config/target.h"
#include "daemon/secret/secret.h"

bool
password_source(const struct config_target *target,
    const struct config_secret *from, const struct secret_key *key,
    struct secret_source *source_r)
{
	const struct secret_source sources[] = {
		{ .kind = SECRET_LITERAL, .value = from->literal },
		{ .kind = SECRET_FILE, .value = from->file },
		{ .kind = SECRET_COMMAND, .value = from->command },
		{ .kind = SECRET_CREDENTIAL, .value = from->credential },
		{ .kind = SECRET_SEALED,
		    .value = from->sealed,
		    .key = key,
		    .bearer = { .name = target->name, .is_target = true } },
	};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].value == NULL)
			continue;
		*source_r = sources[i];
		return true;
	}
	return false;
}
