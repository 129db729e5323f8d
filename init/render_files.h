#ifndef INIT_RENDER_FILES_H
#define INIT_RENDER_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "init/render_errors.h"
#include "init/sys/buf.h"
#include "init/sys/err.h"

#define RENDER_FILES_MAX 64
#define RENDER_FILE_SIZE_MAX ((size_t)1024 * 1024)

/* One template: built in, or of the user's directory. */
struct render_file {
    char name[256];  /* of the file that is made */
    char path[4096]; /* as errors name it */
    const char *text;
    size_t len;
    struct buf own; /* holds the text of a user's file */
};

struct render_files {
    struct render_file *file; /* further files first, sorted by name, then the engine's own */
    size_t count;
};

/*
 * The templates of ENGINE: the built-in ones, each replaced by the file of its name in DIR ("" :
 * none), and DIR's further files. Names that begin with a dot are left out; a ConfigMap's files are
 * read through its ..data link once, so that they are of one version. What cannot be read goes to
 * ERRORS, so that it is told with everything else; false for what concerns DIR as a whole. Close it
 * in any case.
 */
bool render_files_open(struct render_files *files, const char *engine, const char *dir,
                       struct render_errors *errors, struct err *err);
bool render_files_has(const struct render_files *files, const char *name);
void render_files_close(struct render_files *files);

#endif
