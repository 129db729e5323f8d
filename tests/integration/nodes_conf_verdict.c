/*
 * What ordain says of a nodes.conf, for test_nodes_conf.py. Reads commands, a line each, from stdin:
 *
 *   parse FILE            prints the status' name
 *   write FILE OUT        parses FILE, writes it to OUT; prints the status
 *   mend FILE COPY OUT    mends FILE by COPY (both own addresses kept), writes OUT; prints what was done
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_mend.h"

#define TEXT_MAX (1 << 20)
#define ROWS_MAX 256

static const char *const status_names[] = {
    "ok",      "empty",     "torn",     "no-myself", "two-myself",
    "no-vars", "duplicate", "too-many", "shard-ids",
};
static const char *const mend_names[] = {
    "nothing", "addresses", "torn-own-rows", "torn-from-copy", "impossible", "other-id", "too-big",
};

static char texts[2][TEXT_MAX], out[TEXT_MAX], scratch[TEXT_MAX];
static struct redis_node rows[3][ROWS_MAX];
static struct redis_table tables[3];

static enum redis_table_status load(int which, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t line;
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t len = fread(texts[which], 1, TEXT_MAX, file);
    fclose(file);
    tables[which].nodes = rows[which];
    tables[which].capacity = ROWS_MAX;
    return redis_table_parse(&tables[which], texts[which], len, true, &line);
}

static void save(const struct redis_table *table, const char *path)
{
    size_t len = redis_table_write(table, out, sizeof(out));
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(out, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static void mend(char *const paths[static 3])
{
    static struct mend_facts facts;
    facts.owner_confirmed = MEND_YES;
    facts.file_status = load(0, paths[0]);
    facts.file = &tables[0];
    facts.copy_status = load(1, paths[1]);
    facts.copy = &tables[1];
    tables[2].nodes = rows[2];
    tables[2].capacity = ROWS_MAX;
    struct mend_result result = redis_mend_decide(&facts, &tables[2], scratch, sizeof(scratch));
    if (result.status < MEND_IMPOSSIBLE)
        save(&tables[2], paths[2]);
    puts(mend_names[result.status]);
}

int main(void)
{
    static char line[4096];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[5] = {strtok(line, " \n")};
        for (int i = 1; i < 5; i++)
            words[i] = strtok(NULL, " \n");
        if (words[0] == NULL || words[1] == NULL)
            return 2;
        if (strcmp(words[0], "parse") == 0) {
            puts(status_names[load(0, words[1])]);
        } else if (strcmp(words[0], "write") == 0 && words[2] != NULL) {
            puts(status_names[load(0, words[1])]);
            save(&tables[0], words[2]);
        } else if (strcmp(words[0], "mend") == 0 && words[2] != NULL && words[3] != NULL) {
            mend(words + 1);
        } else {
            return 2;
        }
        fflush(stdout);
    }
    return 0;
}
