#include "init/postgres/clone_files.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "roles/crc32c.h"

#define FILES_MAX ((size_t)4 << 20)
#define BLOCK_BYTES ((size_t)64 << 10)

struct file {
    uint64_t size;
    uint32_t crc;
    bool matched;
    char name[];
};

/* Names are added and never taken away, so that their memory is a chain of blocks. */
struct block {
    struct block *next;
    size_t used;
    alignas(struct file) char bytes[];
};

struct clone_files {
    struct block *blocks;
    struct file **table; /* open addressing; at most half full */
    size_t slots, count;
};

struct clone_files *clone_files_new(void)
{
    return calloc(1, sizeof(struct clone_files));
}

void clone_files_free(struct clone_files *files)
{
    if (files == NULL)
        return;
    while (files->blocks != NULL) {
        struct block *next = files->blocks->next;
        free(files->blocks);
        files->blocks = next;
    }
    free(files->table);
    free(files);
}

size_t clone_files_count(const struct clone_files *files)
{
    return files->count;
}

/* Where NAME is, or the empty slot where it belongs. There is always one. */
static struct file **find(struct file **table, size_t slots, const char *name)
{
    size_t at = crc32c(0, name, strlen(name)) & (slots - 1);
    while (table[at] != NULL && strcmp(table[at]->name, name) != 0)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static bool grow(struct clone_files *files)
{
    size_t slots = files->slots == 0 ? 4096 : files->slots * 2;
    struct file **table = calloc(slots, sizeof(void *));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < files->slots; i++)
        if (files->table[i] != NULL)
            *find(table, slots, files->table[i]->name) = files->table[i];
    free(files->table);
    files->table = table;
    files->slots = slots;
    return true;
}

static struct file *make(struct clone_files *files, const char *name)
{
    size_t len = strlen(name) + 1;
    size_t need = sizeof(struct file) + len;
    need += -need % alignof(struct file);
    struct block *block = files->blocks;
    if (block == NULL || BLOCK_BYTES - sizeof(*block) - block->used < need) {
        block = malloc(BLOCK_BYTES);
        if (block == NULL || need > BLOCK_BYTES - sizeof(*block)) {
            free(block);
            return NULL;
        }
        *block = (struct block){.next = files->blocks};
        files->blocks = block;
    }
    struct file *file = (struct file *)(void *)(block->bytes + block->used);
    block->used += need;
    memcpy(file->name, name, len);
    return file;
}

enum clone_files_status clone_files_add(struct clone_files *files, const char *name, uint64_t size,
                                        uint32_t crc)
{
    if (files->count >= FILES_MAX || (files->count * 2 >= files->slots && !grow(files)))
        return CLONE_FILES_FULL;
    struct file **place = find(files->table, files->slots, name);
    if (*place != NULL)
        return CLONE_FILES_TWICE;
    struct file *file = make(files, name);
    if (file == NULL)
        return CLONE_FILES_FULL;
    file->size = size;
    file->crc = crc;
    file->matched = false;
    *place = file;
    files->count++;
    return CLONE_FILES_OK;
}

enum clone_files_status clone_files_match(struct clone_files *files, const char *name,
                                          uint64_t *size, uint32_t crc)
{
    struct file *file = files->count > 0 ? *find(files->table, files->slots, name) : NULL;
    if (file == NULL)
        return CLONE_FILES_ABSENT;
    if (file->matched)
        return CLONE_FILES_TWICE;
    uint64_t listed = *size;
    *size = file->size;
    if (file->size != listed)
        return CLONE_FILES_SIZE;
    if (file->crc != crc)
        return CLONE_FILES_CRC;
    file->matched = true;
    return CLONE_FILES_OK;
}

const char *clone_files_unmatched(const struct clone_files *files)
{
    for (size_t i = 0; i < files->slots; i++)
        if (files->table[i] != NULL && !files->table[i]->matched)
            return files->table[i]->name;
    return NULL;
}
