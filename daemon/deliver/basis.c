#include "daemon/deliver/basis.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/secret/key.h"

struct basis {
	struct config *config;
	struct secret_key *key;
	char *folder;
	unsigned holders;
};

/* For free(); NULL without memory. */
static char *
basis_folder_of(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

struct basis *
basis_new(const struct config *config, const struct secret_key *key)
{
	struct basis *basis = calloc(1, sizeof(*basis));

	if (basis == NULL)
		return NULL;
	basis->config = config_hold(config);
	basis->key = secret_key_hold(key);
	basis->holders = 1;
	basis->folder = basis_folder_of(config->store_path);
	if (basis->folder == NULL)
		basis_drop(&basis);
	return basis;
}

struct basis *
basis_hold(struct basis *basis)
{
	basis->holders++;
	return basis;
}

void
basis_drop(struct basis **basis_p)
{
	struct basis *basis = *basis_p;

	*basis_p = NULL;
	if (basis == NULL || --basis->holders > 0)
		return;
	config_free(&basis->config);
	secret_key_free(&basis->key);
	free(basis->folder);
	free(basis);
}

const struct config *
basis_config(const struct basis *basis)
{
	return basis->config;
}

const struct secret_key *
basis_key(const struct basis *basis)
{
	return basis->key;
}

const char *
basis_folder(const struct basis *basis)
{
	return basis->folder;
}
