#include "daemon/deliver/pipe_variables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/deliver/parcel.h"
#include "lib/base/text.h"

/* Numbers and times are short; texts are given as they are. */
struct variable {
	const char *name, *text;
	char number[32];
};

enum {
	VARIABLE_ACCOUNT,
	VARIABLE_ATTEMPT,
	VARIABLE_ID,
	VARIABLE_MESSAGE_ID,
	VARIABLE_RECEIVED,
	VARIABLE_RECIPIENT,
	VARIABLE_REPEATED,
	VARIABLE_SENDER,
	VARIABLE_SIZE,
	VARIABLE_TARGET,
	VARIABLE_COUNT
};

/* ISO 8601 in UTC. */
static void
variable_put_time(struct variable *variable, int64_t unix_ms)
{
	const time_t seconds = (time_t)(unix_ms / 1000);
	struct tm parts;

	if (gmtime_r(&seconds, &parts) != NULL)
		(void)strftime(variable->number, sizeof(variable->number),
		    "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void
variables_fill(struct variable variables[VARIABLE_COUNT],
    const struct parcel *parcel, const char *target)
{
	variables[VARIABLE_ACCOUNT] =
	    (struct variable){ "ACCOUNT", parcel->account, "" };
	variables[VARIABLE_ATTEMPT] = (struct variable){ "ATTEMPT", NULL, "" };
	(void)snprintf(variables[VARIABLE_ATTEMPT].number,
	    sizeof(variables->number), "%u", parcel->attempts + 1);
	variables[VARIABLE_ID] = (struct variable){ "ID", parcel->key, "" };
	variables[VARIABLE_MESSAGE_ID] =
	    (struct variable){ "MESSAGE_ID", NULL, "" };
	(void)snprintf(variables[VARIABLE_MESSAGE_ID].number,
	    sizeof(variables->number), "%" PRId64, parcel->message_id);
	variables[VARIABLE_RECEIVED] =
	    (struct variable){ "RECEIVED", NULL, "" };
	variable_put_time(&variables[VARIABLE_RECEIVED], parcel->received_ms);
	variables[VARIABLE_RECIPIENT] =
	    (struct variable){ "RECIPIENT", parcel->recipient, "" };
	variables[VARIABLE_REPEATED] = (struct variable){ "REPEATED",
		parcel->may_be_there ? "1" : "", "" };
	variables[VARIABLE_SENDER] =
	    (struct variable){ "SENDER", parcel->sender, "" };
	variables[VARIABLE_SIZE] = (struct variable){ "SIZE", NULL, "" };
	(void)snprintf(variables[VARIABLE_SIZE].number,
	    sizeof(variables->number), "%" PRIu64, parcel->octets);
	variables[VARIABLE_TARGET] = (struct variable){ "TARGET", target, "" };
}

#define PREFIX "EVPOP_"

static size_t
variable_size(const struct variable *variable)
{
	const char *text =
	    variable->text != NULL ? variable->text : variable->number;

	/* A character that is not printable becomes up to three octets. */
	return sizeof(PREFIX) + strlen(variable->name) + 1 + 3 * strlen(text) +
	       1;
}

char **
pipe_variables_make(const struct parcel *parcel, const char *target)
{
	struct variable variables[VARIABLE_COUNT];
	size_t size = (VARIABLE_COUNT + 1) * sizeof(char *);
	char **list, *at;

	variables_fill(variables, parcel, target);
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		size += variable_size(&variables[i]);
	list = calloc(1, size);
	if (list == NULL)
		return NULL;
	at = (char *)(list + VARIABLE_COUNT + 1);
	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		const struct variable *variable = &variables[i];
		const char *text =
		    variable->text != NULL ? variable->text : variable->number;

		list[i] = at;
		at += sprintf(at, PREFIX "%s=", variable->name);
		at += evpop_text_printable(
		    at, 3 * strlen(text) + 1, text, strlen(text));
		at++;
	}
	return list;
}
