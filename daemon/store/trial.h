/*
 * Whether the file can be written, found out before there is anything to lose:
 * a poll begins with it, so that nothing is fetched that could not be kept.
 */
#ifndef STORE_TRIAL_H
#define STORE_TRIAL_H

#include "daemon/store/writer.h"

/*
 * Whether the file system has room for some mail; STORE_OK also where it does
 * not say.
 */
enum store_status store_trial_room(struct store_writer *);

/*
 * Write something into the transaction under way, whose commit then tells;
 * nothing where a commit has just gone well.
 */
enum store_status store_trial(struct store_writer *);

#endif
