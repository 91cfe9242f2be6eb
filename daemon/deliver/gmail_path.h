/* The paths of Gmail's API that are used, as they are asked for. */
#ifndef DELIVER_GMAIL_PATH_H
#define DELIVER_GMAIL_PATH_H

#include <stddef.h>

struct config_target;

#define GMAIL_PATH 4096

void gmail_path_profile(const struct config_target *, char path_r[GMAIL_PATH]);
void gmail_path_labels(const struct config_target *, char path_r[GMAIL_PATH]);
void gmail_path_new_label(
    const struct config_target *, char path_r[GMAIL_PATH]);
void gmail_path_import(const struct config_target *, char path_r[GMAIL_PATH]);
/* Messages that match, spam and trash too, from a page on that may be "". */
void gmail_path_search(const struct config_target *, const char *query,
    const char *page, char path_r[GMAIL_PATH]);
/* The lines of that name in a message's header. */
void gmail_path_message(const struct config_target *, const char *id,
    const char *field, char path_r[GMAIL_PATH]);

/* What is remembered of where a message is, for people: a link. */
#define GMAIL_PLACE 128
void gmail_path_place(const char *id, char place_r[GMAIL_PLACE]);

#endif
