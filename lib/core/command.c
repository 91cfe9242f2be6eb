#include "lib/core/command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/name.h"

#define OPTIONAL EVPOP_ARGUMENT_OPTIONAL
#define REQUIRED EVPOP_ARGUMENT_REQUIRED
#define LOGIN    .phase = EVPOP_PHASE_LOGIN, .text = REQUIRED

static const struct evpop_command_rule rules[] = {
	[EVPOP_COMMAND_NONE] = { "greeting" },
	[EVPOP_COMMAND_USER] = { "USER", LOGIN },
	[EVPOP_COMMAND_PASS] = { "PASS", LOGIN, .login = true, .secret = true },
	[EVPOP_COMMAND_STAT] = { "STAT", .transaction = true },
	[EVPOP_COMMAND_LIST] = { "LIST", .number = OPTIONAL,
	    .transaction = true },
	[EVPOP_COMMAND_UIDL] = { "UIDL", .number = OPTIONAL,
	    .transaction = true },
	[EVPOP_COMMAND_RETR] = { "RETR", .number = REQUIRED,
	    .transaction = true },
	[EVPOP_COMMAND_TOP] = { "TOP", .number = REQUIRED,
	    .transaction = true },
	[EVPOP_COMMAND_DELE] = { "DELE", .number = REQUIRED,
	    .transaction = true },
	[EVPOP_COMMAND_NOOP] = { "NOOP", .transaction = true },
	[EVPOP_COMMAND_RSET] = { "RSET", .transaction = true },
	[EVPOP_COMMAND_CAPA] = { "CAPA" },
	[EVPOP_COMMAND_STLS] = { "STLS", .last = true },
	[EVPOP_COMMAND_QUIT] = { "QUIT", EVPOP_PHASE_QUIT, .last = true },
	[EVPOP_COMMAND_APOP] = { "APOP", LOGIN, .login = true, .secret = true },
	[EVPOP_COMMAND_AUTH] = { "AUTH", LOGIN, .login = true, .secret = true },
	[EVPOP_COMMAND_LANG] = { "LANG", .text = OPTIONAL },
	[EVPOP_COMMAND_UTF8] = { "UTF8" },
};
EVPOP_NAMES_MATCH(rules, EVPOP_COMMAND_COUNT);

const struct evpop_command_rule *
evpop_command_rule(enum evpop_command command)
{
	assert(command < EVPOP_COMMAND_COUNT);
	return &rules[command];
}

const char *
evpop_command_name(enum evpop_command command)
{
	return evpop_command_rule(command)->name;
}

/* AUTH with more to say would have its answers mixed up with commands. */
bool
evpop_command_stops(const struct evpop_request *request)
{
	return evpop_command_rule(request->command)->last ||
	       (request->command == EVPOP_COMMAND_AUTH && !request->final);
}

/* NUL cannot stand in a C string; CR and LF would begin another command. */
bool
evpop_text_harmless(const char *text)
{
	return text[0] != '\0' && strpbrk(text, "\r\n") == NULL;
}

bool
evpop_command_valid(const struct evpop_request *request)
{
	const struct evpop_command_rule *rule;

	if (request->command <= EVPOP_COMMAND_NONE ||
	    request->command >= EVPOP_COMMAND_COUNT)
		return false;
	rule = evpop_command_rule(request->command);
	if (rule->number == REQUIRED && request->number == 0)
		return false;
	if (request->initial != NULL &&
	    (request->command != EVPOP_COMMAND_AUTH ||
		!evpop_text_harmless(request->initial)))
		return false;
	if (request->text == NULL)
		return rule->text != REQUIRED;
	return rule->text != EVPOP_ARGUMENT_NONE &&
	       evpop_text_harmless(request->text);
}

size_t
evpop_command_room(const struct evpop_request *request)
{
	/* The longest is "TOP 4294967295 4294967295\r\n" and its NUL. */
	return 32 + (request->text == NULL ? 0 : strlen(request->text)) +
	       (request->initial == NULL ? 0 : strlen(request->initial));
}

size_t
evpop_command_encode(const struct evpop_request *request, char *line)
{
	const struct evpop_command_rule *rule;
	int length;

	rule = evpop_command_rule(request->command);
	if (request->initial != NULL)
		length = sprintf(line, "%s %s %s\r\n", rule->name,
		    request->text, request->initial);
	else if (request->text != NULL)
		length = sprintf(line, "%s %s\r\n", rule->name, request->text);
	else if (request->command == EVPOP_COMMAND_TOP)
		length = sprintf(line, "TOP %lu %lu\r\n",
		    (unsigned long)request->number,
		    (unsigned long)request->lines);
	else if (rule->number != EVPOP_ARGUMENT_NONE && request->number != 0)
		length = sprintf(line, "%s %lu\r\n", rule->name,
		    (unsigned long)request->number);
	else
		length = sprintf(line, "%s\r\n", rule->name);
	assert(length > 0);
	return (size_t)length;
}
