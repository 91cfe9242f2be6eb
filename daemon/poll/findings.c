#include "daemon/poll/findings.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/poll/dry_run.h"

struct findings {
	struct poller_plan *plan;
	char *former_id, *moved;
};

/* Made where it is missing; NULL without memory. */
static struct findings *
findings_get(struct findings **findings)
{
	if (*findings == NULL)
		*findings = calloc(1, sizeof(**findings));
	return *findings;
}

static void
findings_set_text(char **text_p, const char *text)
{
	free(*text_p);
	*text_p = text == NULL ? NULL : strdup(text);
}

void
findings_set_plan(struct findings **findings_p, struct poller_plan *plan)
{
	struct findings *findings = findings_get(findings_p);

	if (findings == NULL) {
		dry_run_free(&plan);
		return;
	}
	dry_run_free(&findings->plan);
	findings->plan = plan;
}

const struct poller_plan *
findings_plan(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->plan;
}

void
findings_set_former(struct findings **findings_p, const char *former_id)
{
	if (*findings_p == NULL && former_id == NULL)
		return;
	if (findings_get(findings_p) != NULL)
		findings_set_text(&(*findings_p)->former_id, former_id);
}

const char *
findings_former(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->former_id;
}

void
findings_set_moved(struct findings **findings_p, const char *words)
{
	if (findings_get(findings_p) != NULL)
		findings_set_text(&(*findings_p)->moved, words);
}

const char *
findings_moved(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->moved;
}

void
findings_free(struct findings **findings_p)
{
	struct findings *findings = *findings_p;

	if (findings == NULL)
		return;
	*findings_p = NULL;
	dry_run_free(&findings->plan);
	free(findings->former_id);
	free(findings->moved);
	free(findings);
}
