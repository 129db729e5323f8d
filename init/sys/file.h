#ifndef INIT_SYS_FILE_H
#define INIT_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/* Files are read whole with a cap and written whole and atomically: a new file beside the old one,
 * synced, renamed over it, the directory synced. Paths may be relative to the working directory. */

enum file_presence { FILE_THERE, FILE_ABSENT };

/* Reads PATH into BUF (cleared first; its cap is the limit; a larger file is ERR_CONFIG). Where the
 * file is missing *presence says so and that is no failure; without PRESENCE (NULL) it is one.
 * Follows symbolic links (ConfigMaps are made of them); refuses what is no regular file without
 * blocking on it. */
bool file_read(const char *path, struct buf *buf, enum file_presence *presence, struct err *err);

/* Makes PATH hold exactly DATA with MODE. Writes nothing when it already does (contents and mode).
 * *written (may be NULL) tells whether it wrote. Never follows a link at PATH. A killed call leaves
 * the old file or the new one; its own left-overs are removed by the next call. Kind: ERR_IO for a
 * full or read-only disk, ERR_DENIED for rights. */
bool file_write(const char *path, const char *data, size_t len, mode_t mode, bool *written,
                struct err *err);

/* Removes PATH and syncs the directory; missing is no failure. */
bool file_remove(const char *path, struct err *err);

/* DIR/NAME in a static-size array of the caller; ERR_CONFIG when it does not fit. */
bool file_join(char path[static 4096], const char *dir, const char *name, struct err *err);

/* Reads a secret file: as file_read with a cap of 64 KiB, and one trailing newline is dropped. An
 * empty secret, one with a NUL or a further newline is ERR_CONFIG. */
bool file_read_secret(const char *path, struct buf *buf, struct err *err);

#endif
