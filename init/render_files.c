#include "init/render_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/sys/file.h"
#include "templates/builtin.h"

static bool is_of_engine(const char *name, const char *engine)
{
    bool redis = strcmp(name, "redis.conf") == 0;

    return redis == (strcmp(engine, "redis") == 0);
}

static struct render_file *find(const struct render_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->file[i].name, name) == 0)
            return &files->file[i];
    return NULL;
}

bool render_files_has(const struct render_files *files, const char *name)
{
    return find(files, name) != NULL;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, "role") == 0 || strcmp(name, "ordain.env") == 0;
}

/* A ConfigMap's directory has a link ..data to the directory of its present version. */
static bool snapshot_of(const char *dir, char base[static 4096], struct err *err)
{
    char target[256];
    char link[4096];
    ssize_t len;

    if (!file_join(link, dir, "..data", err))
        return false;
    len = readlink(link, target, sizeof target - 1);
    if (len <= 0 || memchr(target, '/', (size_t)len) != NULL) {
        memcpy(base, dir, strlen(dir) + 1); /* it fitted with a name behind it */
        return true;
    }
    target[len] = '\0';
    return file_join(base, dir, target, err);
}

static bool add_name(struct render_files *files, const char *name, const char *dir,
                     struct render_errors *errors, struct err *err)
{
    struct render_file *file;

    if (is_reserved(name)) {
        render_errors_add(errors, "%s/%s: ordain itself writes a file of this name", dir, name);
        return true;
    }
    if (files->count == RENDER_FILES_MAX)
        return err_set(err, ERR_CONFIG, "template directory '%s' holds more than %d files", dir,
                       RENDER_FILES_MAX);
    file = &files->file[files->count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->own = buf_new(RENDER_FILE_SIZE_MAX);
    return true;
}

static bool list(struct render_files *files, const char *dir, const char *base,
                 struct render_errors *errors, struct err *err)
{
    DIR *stream = opendir(base);
    struct dirent *entry;
    bool ok = true;

    if (stream == NULL) {
        err_errno(err, errno, "cannot open template directory '%s' (ORDAIN_TEMPLATE_DIR)", dir);
        if (err->kind == ERR_IO && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            err->kind = ERR_CONFIG;
        return false;
    }
    while (ok && (errno = 0, entry = readdir(stream)) != NULL)
        if (entry->d_name[0] != '.')
            ok = add_name(files, entry->d_name, dir, errors, err);
    if (ok && errno != 0)
        ok = err_errno(err, errno, "cannot read template directory '%s'", dir);
    closedir(stream);
    return ok;
}

/* Further files before the engine's own, which may include them; then by name. */
static int compare(const void *a, const void *b)
{
    return strcmp(((const struct render_file *)a)->name, ((const struct render_file *)b)->name);
}

static bool read_files(struct render_files *files, const char *dir, const char *base,
                       struct render_errors *errors, struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        struct render_file *file = &files->file[i];
        char path[4096];
        struct err failure;

        if (!file_join(file->path, dir, file->name, err) || !file_join(path, base, file->name, err))
            return false;
        if (!file_read(path, &file->own, NULL, &failure)) {
            render_errors_add_err(errors, &failure);
            buf_clear(&file->own);
        }
        file->text = buf_text(&file->own);
        file->len = file->own.len;
    }
    return true;
}

static bool add_builtin(struct render_files *files, const struct builtin_template *builtin,
                        struct err *err)
{
    struct render_file *file = find(files, builtin->name);
    struct render_file moved;

    if (file == NULL) {
        if (files->count == RENDER_FILES_MAX)
            return err_set(err, ERR_CONFIG, "more than %d templates", RENDER_FILES_MAX);
        file = &files->file[files->count++];
        if (!file_join(file->path, "builtin", builtin->name, err))
            return false;
        snprintf(file->name, sizeof file->name, "%s", builtin->name);
        file->own = buf_new(RENDER_FILE_SIZE_MAX);
        file->text = builtin->text;
        file->len = builtin->len;
        return true;
    }
    moved = *file;
    memmove(file, file + 1, (size_t)(&files->file[files->count] - (file + 1)) * sizeof *file);
    files->file[files->count - 1] = moved;
    return true;
}

bool render_files_open(struct render_files *files, const char *engine, const char *dir,
                       struct render_errors *errors, struct err *err)
{
    char base[4096];

    *files = (struct render_files){.file = calloc(RENDER_FILES_MAX, sizeof *files->file)};
    if (files->file == NULL)
        return err_set(err, ERR_IO, "templates: out of memory");
    if (dir[0] != '\0') {
        if (!snapshot_of(dir, base, err) || !list(files, dir, base, errors, err))
            return false;
        qsort(files->file, files->count, sizeof *files->file, compare);
        if (!read_files(files, dir, base, errors, err))
            return false;
    }
    for (size_t i = 0; i < builtin_template_count; i++)
        if (is_of_engine(builtin_templates[i].name, engine) &&
            !add_builtin(files, &builtin_templates[i], err))
            return false;
    return true;
}

void render_files_close(struct render_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        buf_free(&files->file[i].own);
    free(files->file);
    *files = (struct render_files){0};
}
