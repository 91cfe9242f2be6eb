#include <limits.h>
#include <string.h>

#include "daemon/confine/confine.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/backup.h"

static json_t *
backup_json(const struct store_backup *backup)
{
	json_t *json = json_object();

	field_value(json, "running", json_boolean(backup->is_running));
	field_time(json, "started", backup->started_ms);
	field_time(json, "finished", backup->finished_ms);
	field_text(json, "file", backup->path);
	field_count(json, "bytes", backup->octets);
	field_count(json, "bytes_done", backup->octets_done);
	field_text(json, "status", store_status_name(backup->status));
	field_text(json, "text", backup->text[0] != '\0' ? backup->text : NULL);
	return json;
}

static struct response
backup_answer(const struct exchange *exchange, int status)
{
	struct store_backup backup;

	store_backup(exchange_context(exchange)->store, &backup);
	return response_json(status, backup_json(&backup));
}

void
backup_get(struct exchange *exchange)
{
	exchange_answer(exchange, backup_answer(exchange, 200));
}

/* "a/b" would be relative to a folder that nobody sees. */
static bool
backup_is_file(const char *file)
{
	if (file == NULL || *file == '\0' || strlen(file) >= PATH_MAX / 2)
		return false;
	if (*file != '/')
		return strchr(file, '/') == NULL && strcmp(file, ".") != 0 &&
		       strcmp(file, "..") != 0;
	return file[strlen(file) - 1] != '/';
}

void
backup_start(struct exchange *exchange)
{
	const char *file =
	    parameters_text(exchange_parameters(exchange), "file");
	enum store_status status;
	struct problem problem;

	if (!backup_is_file(file)) {
		problem_set(&problem,
		    "give a whole path, from / on, or a name alone, which is "
		    "beside the store",
		    file == NULL ? "the parameter \"file\" is missing"
				 : "invalid file \"%.200s\"",
		    file);
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if (*file == '/' && !confine_allows(exchange_context(exchange)->confine,
				CONFINE_WRITE, file)) {
		exchange_answer(exchange,
		    response_error(403, "confined",
			"a name alone is copied beside the store; or name the "
			"folder in confine_write in [daemon] and restart "
			"evpopd",
			"evpopd confined itself and cannot write %.300s",
			file));
		return;
	}
	status = store_backup_start(exchange_context(exchange)->store, file);
	if (status == STORE_OK)
		exchange_answer(exchange, backup_answer(exchange, 202));
	else if (status == STORE_BUSY)
		exchange_answer(
		    exchange, response_error(409, "already",
				  "GET /v1/store/backup says how far it is",
				  "a backup is being made already"));
	else
		exchange_answer(exchange, response_store(status, NULL));
}
