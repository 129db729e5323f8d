/*
 * The register (init/register/register.h) as no command shows it, for register_stage.py: that of the
 * StatefulSet "redis" in the namespace "cache", cluster id "cache/redis".
 *
 *   SETTING TIMEOUT_MS get KEY...                       a line "KEY=VALUE" each, "KEY" alone when it is not there
 *   SETTING TIMEOUT_MS again COUNT KEY                  the same, COUNT times, by one store
 *   SETTING TIMEOUT_MS swap KEY EXPECTED VALUE ...      "swapped" or "not swapped", then all keys; EXPECTED "-": none
 *   SETTING TIMEOUT_MS count COUNT                      counts the key "count" up so often, for races
 *   SETTING TIMEOUT_MS time COUNT KEY                   microseconds of the first reading, then of each later one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/register/register.h"
#include "init/sys/clock.h"

#define KEYS_MAX 16

static struct err err;
static struct register_store *store;
static int64_t deadline_ns;

static int fail(void)
{
    fprintf(stderr, "error: %s\n", err.message);
    register_close(store);
    return (int)err.kind;
}

static void print(const struct register_reading *readings, int count)
{
    for (int i = 0; i < count; i++)
        printf("%s%s%s\n", readings[i].key, readings[i].found ? "=" : "", readings[i].value);
}

static int get(char **keys, int count)
{
    struct register_reading readings[KEYS_MAX];
    for (int i = 0; i < count; i++)
        readings[i] = (struct register_reading){.key = keys[i]};
    if (!register_get_all(store, readings, (size_t)count, deadline_ns, &err))
        return fail();
    print(readings, count);
    return 0;
}

static int swap(char **words, int count)
{
    struct register_change changes[KEYS_MAX];
    struct register_reading present[KEYS_MAX];
    bool swapped;
    for (int i = 0; i < count; i++) {
        const char *expected = strcmp(words[3 * i + 1], "-") == 0 ? NULL : words[3 * i + 1];
        changes[i] = (struct register_change){words[3 * i], expected, words[3 * i + 2]};
    }
    if (!register_swap_all(store, changes, (size_t)count, &swapped, present, deadline_ns, &err))
        return fail();
    puts(swapped ? "swapped" : "not swapped");
    print(present, count);
    return 0;
}

static int count_up(int count)
{
    while (count > 0) {
        char now[REGISTER_VALUE_MAX];
        char next[32];
        bool found;
        bool swapped;
        if (!register_get(store, "count", now, &found, deadline_ns, &err))
            return fail();
        (void)snprintf(next, sizeof next, "%d", atoi(now) + 1);
        if (!register_swap(store, "count", found ? now : NULL, next, &swapped, NULL, deadline_ns,
                           &err))
            return fail();
        count -= swapped;
    }
    return 0;
}

static int time_readings(int count, char *key)
{
    struct register_reading reading = {.key = key};
    for (int i = 0; i < count; i++) {
        int64_t start_ns = clock_now_ns();
        if (!register_get_all(store, &reading, 1, deadline_ns, &err))
            return fail();
        printf("%lld\n", (long long)((clock_now_ns() - start_ns) / 1000));
    }
    return 0;
}

static int run(int argc, char **argv)
{
    const char *what = argv[3];
    int count = argc - 4;
    if (strcmp(what, "get") == 0 && count <= KEYS_MAX)
        return get(argv + 4, count);
    if (strcmp(what, "swap") == 0 && count % 3 == 0 && count / 3 <= KEYS_MAX)
        return swap(argv + 4, count / 3);
    if (strcmp(what, "count") == 0 && count == 1)
        return count_up(atoi(argv[4]));
    if (strcmp(what, "time") == 0 && count == 2)
        return time_readings(atoi(argv[4]), argv[5]);
    if (strcmp(what, "again") != 0 || count != 2)
        return 64;
    int status = 0;
    for (int i = atoi(argv[4]); i > 0 && status == 0; i--)
        status = get(argv + 5, 1);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 64;
    if (!register_open(&store, argv[1], "redis", "cache", "cache/redis", &err)) {
        fprintf(stderr, "error: %s\n", err.message);
        return (int)err.kind;
    }
    deadline_ns = clock_deadline_ns(atoi(argv[2]));
    int status = run(argc, argv);
    if (status == 0)
        register_close(store);
    return status;
}
