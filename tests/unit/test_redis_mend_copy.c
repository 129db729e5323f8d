#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/golden.h"
#include "tests/unit/mending.h"

/* Compares the written rows with the whole file's. */
static void check_whole(const char *text)
{
    const char *rows = text;
    while (strncmp(rows, "vars", 4) != 0) {
        char row[512];
        size_t len = strcspn(rows, "\n") + 1;
        assert_true(len < sizeof(row));
        memcpy(row, rows, len);
        row[len] = '\0';
        assert_non_null(strstr(written, row));
        rows += len;
    }
    /* the vars line may be longer, the rows are as long */
    assert_int_equal(strstr(written, "vars") - written, rows - text);
}

static void a_file_torn_at_every_byte_is_made_whole_by_its_copy(void **state)
{
    static const char *const recorded[] = {
        "six-redis-7.0",
        "six-redis-8.0",
        "six-valkey-8.1",
        "importing-redis-7.0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
        char path[128];
        size_t len;
        snprintf(path, sizeof(path), "nodes_conf/%s.conf", recorded[i]);
        char *text = golden_read(path, &len), *torn = golden_read(path, &len);
        for (size_t cut = len - 1; cut < len; cut--) {
            torn[cut] = '\0';
            given(torn, text);
            memset(facts.id, 0, sizeof(facts.id));
            facts.owner_confirmed = MEND_YES;
            struct mend_result result = decide();
            assert_true(result.status == MEND_TORN_FROM_COPY ||
                        result.status == MEND_TORN_OWN_ROWS);
            check_whole(text);
            /* mended once and for all */
            char *first = strdup(written);
            given(first, text);
            memset(facts.id, 0, sizeof(facts.id));
            assert_int_equal(facts.file_status, REDIS_TABLE_OK);
            assert_int_equal(decide().status, MEND_NOTHING);
            assert_string_equal(written, first);
            free(first);
        }
        free(text);
        free(torn);
    }
}

static bool role_changed(const char *table_text, const char *copy_text)
{
    given(table_text, copy_text);
    return redis_mend_role_changed(facts.file, facts.copy);
}

static void the_copy_is_refreshed_when_roles_change_not_addresses(void **state)
{
    (void)state;
    assert_true(role_changed(WHOLE, NULL));
    assert_false(role_changed(WHOLE, WHOLE));
    assert_false(role_changed(WHOLE, ROW_C ROW_B ROW_A VARS)); /* in whichever order */
    assert_false(role_changed(
        ROW_A B " :0@0,b master,fail,noaddr - 9 9 2 disconnected 100-199\n" ROW_C VARS, WHOLE));
    assert_false(role_changed(WHOLE D " 10.0.0.9:6379@16379 handshake - 5 0 0 connected\n", WHOLE));
    /* a replica's epoch is its master's, it counts there */
    assert_false(role_changed(ROW_A ROW_B C " :0@0 slave " A " 0 5 3 connected\n" VARS, WHOLE));
    assert_false(
        role_changed(ROW_A B " :0@0 master - 0 5 2 connected 150-199 100-149\n" ROW_C VARS, WHOLE));

    assert_true(role_changed(ROW_A ROW_B ROW_C "vars currentEpoch 7 lastVoteEpoch 5\n", WHOLE));
    assert_true(role_changed(ROW_A ROW_B ROW_C "vars currentEpoch 6 lastVoteEpoch 6\n", WHOLE));
    assert_true(role_changed(ROW_A ROW_B VARS, WHOLE));
    assert_true(role_changed(WHOLE D " :0@0 master - 0 0 0 connected\n", WHOLE));
    assert_true(role_changed(ROW_A B " :0@0 master - 0 5 3 connected 100-199\n" ROW_C VARS, WHOLE));
    assert_true(role_changed(ROW_A ROW_B C " :0@0 slave " B " 0 5 1 connected\n" VARS, WHOLE));
    assert_true(role_changed(ROW_A ROW_B C " :0@0 master - 0 5 1 connected\n" VARS, WHOLE));
    assert_true(role_changed(ROW_A B " :0@0 master - 0 5 2 connected 100-198\n" ROW_C VARS, WHOLE));
    assert_true(role_changed(ROW_A B " :0@0 master - 0 5 2 connected 101-200\n" ROW_C VARS, WHOLE));
    /* two owners change places */
    assert_true(role_changed(A " :0@0 myself,master - 0 0 1 connected 100-199\n" B
                               " :0@0 master - 0 5 2 connected 0-99\n" ROW_C VARS,
                             WHOLE));
    assert_true(role_changed(A " :0@0 master - 0 0 1 connected 0-99\n" B
                               " :0@0 myself,master - 0 5 2 connected 100-199\n" ROW_C VARS,
                             WHOLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_torn_at_every_byte_is_made_whole_by_its_copy),
        cmocka_unit_test(the_copy_is_refreshed_when_roles_change_not_addresses),
    };
    return cmocka_run_group_tests_name("redis_mend_copy", tests, NULL, NULL);
}
