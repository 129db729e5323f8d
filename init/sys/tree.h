#ifndef INIT_SYS_TREE_H
#define INIT_SYS_TREE_H

#include <stdbool.h>

#include "init/sys/err.h"

/* Removes PATH with all below it, links themselves and never what they lead to, within its own file
 * system. Missing is no failure. Killed, a second call goes on. */
bool tree_remove(const char *path, struct err *err);

/* Syncs the directory PATH, so that names made or changed in it survive a power cut. */
bool tree_sync_directory(const char *path, struct err *err);

#endif
