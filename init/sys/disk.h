#ifndef INIT_SYS_DISK_H
#define INIT_SYS_DISK_H

#include <stdbool.h>

#include "init/sys/err.h"

/* Whole directory trees, by descriptors: a symbolic link is never followed, and neither is one that takes
 * a directory's place meanwhile. */

/* True where a file system is mounted at PATH, as far as the kernel tells (Linux 5.8 and later). */
bool disk_is_mount_point(const char *path);

/* Removes PATH and all that is in it; missing is no failure. */
bool disk_remove_tree(const char *path, struct err *err);
/* Removes what is in the directory PATH, but not itself. */
bool disk_empty(const char *path, struct err *err);

/*
 * What was written below the directory ROOT is on the disk when this returns, else ERR_IO. One syncfs(2) on
 * kernels that tell its failures (5.8 and later; ROOT must have been opened before the first write): it also waits
 * for what others write to the same file system, which of a pod's volume nobody does. On older ones
 * every file and directory by itself. PATH is for the sentence.
 */
bool disk_sync_tree(int root, const char *path, struct err *err);

/* The names made or changed in the directory PATH survive a power cut once this returns. */
bool disk_sync_directory(const char *path, struct err *err);

#endif
