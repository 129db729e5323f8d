#ifndef INIT_POSTGRES_CLONE_FILES_H
#define INIT_POSTGRES_CLONE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The files of a clone as they were written: name, size, CRC-32C; to be held against the manifest. About 60
 * bytes a file, four million files at most. */
struct clone_files;

/* NULL when out of memory. */
struct clone_files *clone_files_new(void);
void clone_files_free(struct clone_files *files);
size_t clone_files_count(const struct clone_files *files);

enum clone_files_status {
    CLONE_FILES_OK,
    CLONE_FILES_TWICE,  /* the name was added, or matched, before */
    CLONE_FILES_FULL,   /* over the cap, or out of memory */
    CLONE_FILES_ABSENT, /* no such file was received */
    CLONE_FILES_SIZE,   /* it has another size */
    CLONE_FILES_CRC,    /* it has other contents */
};

/* NAME is relative to the data directory. */
enum clone_files_status clone_files_add(struct clone_files *files, const char *name, uint64_t size,
                                        uint32_t crc);
/* A line of the manifest against what was written. Where it differs, *size is the size that was. */
enum clone_files_status clone_files_match(struct clone_files *files, const char *name,
                                          uint64_t *size, uint32_t crc);
/* A file that no line matched; NULL: there is none. */
const char *clone_files_unmatched(const struct clone_files *files);

#endif
