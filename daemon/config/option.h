/*
 * The table of all keys: section, type, default, bounds, and whether a reload
 * may change it.  Reading and comparing go by it; tests hold the sample file
 * and the manual page against it.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * CONFIG_SCOPE_TARGET is [target NAME]; CONFIG_SCOPE_ACCOUNT is [account NAME]
 * and [defaults].
 */
enum config_scope {
	CONFIG_SCOPE_DAEMON = 0,
	CONFIG_SCOPE_STORE,
	CONFIG_SCOPE_CONTROL,
	CONFIG_SCOPE_HOOK,
	CONFIG_SCOPE_TARGET,
	CONFIG_SCOPE_ACCOUNT,
	CONFIG_SCOPE_COUNT
};
/* "daemon", "store", "control", "hook", "target", "account". */
const char *config_scope_name(enum config_scope);

enum config_type {
	CONFIG_TYPE_BOOLEAN = 0,
	/* Numbers and choices go into members of any size that holds them. */
	CONFIG_TYPE_COUNT,
	CONFIG_TYPE_PORT,
	CONFIG_TYPE_SIZE,     /* octets */
	CONFIG_TYPE_DURATION, /* milliseconds */
	CONFIG_TYPE_MODE,     /* mode_t */
	CONFIG_TYPE_CHOICE,   /* an enum, by config_option.choices */
	CONFIG_TYPE_KEEP,     /* struct config_keep */
	CONFIG_TYPE_RETAIN,   /* int64_t, milliseconds or forever */
	CONFIG_TYPE_TEXT,     /* char *, as are the next twelve */
	CONFIG_TYPE_TEMPLATE, /* see target.h */
	CONFIG_TYPE_HOST,
	CONFIG_TYPE_URL, /* http or https */
	CONFIG_TYPE_PATH,
	CONFIG_TYPE_PLACE, /* a path and a template, where mail goes */
	CONFIG_TYPE_SECRET,
	CONFIG_TYPE_COMMAND,
	CONFIG_TYPE_CREDENTIAL,
	CONFIG_TYPE_PROXY,
	CONFIG_TYPE_ADDRESS,
	CONFIG_TYPE_PROVIDER, /* a name of provider.h */
	CONFIG_TYPE_MARKED,   /* config_option.mark and base64url behind it */
	CONFIG_TYPE_WORDS,    /* struct config_strings, as are the next three */
	CONFIG_TYPE_FOLDERS,
	CONFIG_TYPE_PINS,
	CONFIG_TYPE_DELIVER,    /* names of targets, or what describes one */
	CONFIG_TYPE_MECHANISMS, /* uint32_t, EVPOP_MECHANISM_BIT() of each */
	CONFIG_TYPE_INCLUDE     /* no member: it is done, not kept */
};

struct config_option {
	enum config_scope scope;
	const char *name; /* with its section: "store.path" */
	const char *key;
	enum config_type type;
	/*
	 * In struct config_account for account keys, in struct config_target
	 * for those of targets, else in struct config.
	 */
	size_t offset;
	size_t size; /* of the member; 0: there is none */
	/*
	 * Not 0: there the section has a pointer to what the offset is in; NULL
	 * where none of its members is given.
	 */
	size_t through;
	const char *initial;        /* the default as written; "": none */
	int64_t minimum, maximum;   /* of numbers, in the unit of the member */
	const char *const *choices; /* ends with NULL; by the enum's value */
	const char *mark;           /* of CONFIG_TYPE_MARKED */
	const char *made_by;        /* likewise: the command that prints it */
	unsigned targets;           /* types that have it, as bits; 0: all */
	bool never_empty;           /* an empty value is no value */
	bool deletes;               /* so nobody is led to it by a guess */
	bool reload;                /* a reload may change it */
};

/* All options, grouped by scope; those of targets and accounts come last. */
extern const struct config_option config_options[];
extern const size_t config_option_count;

/* The table's size is asserted to fit. */
#define CONFIG_OPTIONS_MAX 192
/* Bits of the options of an account in a set, and of those of a target. */
#define CONFIG_SECTION_OPTIONS_MAX 64

/* NULL where the section has no such key. */
const struct config_option *config_option_find(
    enum config_scope, const char *key);

/* Whether a section of its own holds it: an account's or a target's. */
bool config_scope_is_named(enum config_scope);

/*
 * The scope of a section, [store] or [account NAME], with what stands behind
 * its first word where it is named; CONFIG_SCOPE_COUNT where there is none.
 */
enum config_scope config_scope_find(const char *section, const char **name_r);

/* Where such an option stands among its kind: its bit in a set. */
unsigned config_option_rank(const struct config_option *);
uint64_t config_option_bit(const struct config_option *);

#endif
