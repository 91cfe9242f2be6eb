/*
 * Which files were read already, by what they are rather than by their names.
 */
#ifndef CONFIG_FILE_SET_H
#define CONFIG_FILE_SET_H

#include <stddef.h>
#include <sys/types.h>

struct config_file_id {
	dev_t device;
	ino_t inode; /* 0: a free slot */
};

/* Zeroed: empty. */
struct config_file_set {
	struct config_file_id *slots;
	size_t size, count;
};

/* 1: added, 0: it was there, -1: no memory. */
int config_file_set_add(struct config_file_set *, dev_t, ino_t)
    __attribute__((warn_unused_result));
void config_file_set_free(struct config_file_set *);

#endif
