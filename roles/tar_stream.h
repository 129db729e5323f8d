#ifndef ROLES_TAR_STREAM_H
#define ROLES_TAR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/text.h"

/*
 * A tar archive as a server's BASE_BACKUP sends it, read while it comes: POSIX ustar (pax, IEEE
 * 1003.1-2017; PostgreSQL 13 to 18 src/port/tar.c), whose sizes may be base-256 where octal has no
 * room. Nothing else that tars have is accepted: a server never writes pax, GNU, hard link or
 * device headers.
 */
#define TAR_STREAM_BLOCK 512
#define TAR_STREAM_NAME_MAX 257 /* prefix of 155, '/', name of 100, NUL */
#define TAR_STREAM_LINK_MAX 101

enum tar_stream_type { TAR_STREAM_FILE, TAR_STREAM_DIRECTORY, TAR_STREAM_LINK };

struct tar_stream_entry {
    /* Relative and plain: no component is empty, "." or ".."; one '/' between two, none at the
     * ends. A component may still be a link that the archive made before: open them one by one
     * (text_cut). */
    char name[TAR_STREAM_NAME_MAX];
    enum tar_stream_type type;
    uint64_t size;                  /* bytes of data that follow; 0 but for a file */
    uint32_t mode;                  /* permission bits, at most 07777 */
    char link[TAR_STREAM_LINK_MAX]; /* a link's target as the archive has it: any path; else "" */
};

enum tar_stream_problem {
    TAR_STREAM_FINE,
    TAR_STREAM_BAD_CHECKSUM, /* damaged, or no tar */
    TAR_STREAM_BAD_HEADER,   /* magic or a number is malformed, or a directory has data */
    TAR_STREAM_UNSAFE_NAME,  /* absolute, "..", empty, or a file's that ends with '/' */
    TAR_STREAM_BAD_TYPE,     /* no file, directory or symbolic link */
    TAR_STREAM_TRAILING,     /* something follows the end mark */
    TAR_STREAM_CUT,          /* ends within an entry or within the end mark */
};

enum tar_stream_event {
    TAR_STREAM_MORE,      /* all that was fed is used: feed what comes next, or finish */
    TAR_STREAM_ENTRY,     /* stream->entry is the next member */
    TAR_STREAM_DATA,      /* *data is a piece of its contents, inside what was fed */
    TAR_STREAM_ENTRY_END, /* it is whole; each entry has one */
    TAR_STREAM_END,       /* the end mark; at most one */
    TAR_STREAM_REFUSED,   /* stream->problem tells why; every later call says the same */
};

/* Where the reader is; only entry, problem and ended are the caller's to read. */
struct tar_stream {
    struct tar_stream_entry entry;
    enum tar_stream_problem problem;
    bool ended; /* the end mark was seen */
    bool in_entry;
    uint64_t data_left;
    size_t padding_left;
    size_t zero_blocks;
    size_t have; /* bytes of block */
    unsigned char block[TAR_STREAM_BLOCK];
};

void tar_stream_begin(struct tar_stream *stream);

/* The next event in FED, pieces of any size; what is used is taken off FED's beginning. */
enum tar_stream_event tar_stream_next(struct tar_stream *stream, struct span *fed,
                                      struct span *data);

/* After the last piece: TAR_STREAM_FINE when the archive may end here. A server before 15 sends no
 * end mark (pg_basebackup.c 14 writes it itself), so that one which is missing between two entries
 * is fine; stream->ended tells. */
enum tar_stream_problem tar_stream_finish(const struct tar_stream *stream);

#endif
