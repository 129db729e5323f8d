#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/postgres/auto_conf.h"
#include "init/postgres/conninfo.h"
#include "init/postgres/datadir.h"
#include "init/postgres/entrypoint.h"
#include "init/postgres/rejoin.h"
#include "init/postgres/reserved_history.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"

/* What lies in and beside PGDATA, by files made here; real ones are the integration tests'. */

static char root[64], pgdata[128];
static struct datadir datadir;
static struct err err;

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static bool there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return access(path, F_OK) == 0;
}

static const char *text_of(const char *name)
{
    static char text[4096];
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/ordain-datadir-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(pgdata, sizeof pgdata, "%s/pgdata", root);
    return datadir_open(&datadir, pgdata, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    datadir_close(&datadir);
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static enum pg_data data(void)
{
    assert_true(datadir_read(&datadir, &err));
    return datadir.data;
}

static void what_is_not_there_is_empty(void **state)
{
    (void)state;
    assert_int_equal(data(), PG_DATA_EMPTY);
    make("pgdata");
    assert_int_equal(data(), PG_DATA_EMPTY);
    assert_true(datadir.is_empty);
}

static void files_without_a_version_are_foreign(void **state)
{
    (void)state;
    make("pgdata");
    put("pgdata/notes.txt", "mine");
    assert_int_equal(data(), PG_DATA_FOREIGN);
    put("pgdata/PG_VERSION", "15\n");
    assert_int_equal(data(), PG_DATA_DAMAGED);
    assert_string_equal(datadir.damage, "it is not there");
    assert_int_equal(datadir.major, 15);
    make("pgdata/global");
    put("pgdata/global/pg_control", "");
    assert_int_equal(data(), PG_DATA_DAMAGED);
    put("pgdata/recovery.signal", "");
    assert_int_equal(data(), PG_DATA_RECOVERY);
}

static void a_regular_file_in_its_place_is_foreign(void **state)
{
    (void)state;
    put("pgdata", "");
    assert_int_equal(data(), PG_DATA_FOREIGN);
}

static void half_an_initdb_is_told_from_a_life(void **state)
{
    (void)state;
    put("pgdata.ordain-started", "default/pg\n");
    assert_int_equal(data(), PG_DATA_HALF);
    make("pgdata");
    put("pgdata/PG_VERSION", "15\n");
    put("pgdata/postmaster.opts",
        "/usr/bin/postgres \"-c\" \"listen_addresses=\" \"-p\" \"5432\"\n");
    assert_int_equal(data(), PG_DATA_HALF);
    put("pgdata/postmaster.opts", "/usr/bin/postgres \"-c\" \"config_file=/x\"\n");
    assert_int_equal(data(), PG_DATA_UNMARKED);
    put("pgdata.ordain-done", "default/pg\n");
    assert_int_equal(data(), PG_DATA_DAMAGED); /* no control file: but no half initdb any more */
}

static void a_birth_lasts_until_a_server_in_production(void **state)
{
    (void)state;
    make("pgdata");
    assert_false(datadir_is_being_born(&datadir));
    put("pgdata.ordain-started", "default/pg\n");
    assert_true(datadir_is_being_born(&datadir));
    put("pgdata/postmaster.opts", "/usr/bin/postgres \"-c\" \"listen_addresses=\"\n");
    put("pgdata.ordain-done", "default/pg\n");
    assert_true(datadir_is_being_born(&datadir));
    put("pgdata/postmaster.opts", "/usr/bin/postgres \"-c\" \"config_file=/x\"\n");
    assert_false(datadir_is_being_born(&datadir));
}

static void scripts_behind_ordain_s_own_are_told(void **state)
{
    (void)state;
    static const char *const before[] = {"zz-ordain.sh",  "50-user.sh", "user.sql", "zz-a.sql.gz",
                                         "zzz-notes.txt", ".zzz.sh",    "Zebra.sh"};
    static const char *const behind[] = {
        "zzz.sh",        "zz_a.sh",      "zz-user.sql.zst",     "ZZ-Z.sql",
        "zz-ordain2.sh", "zz.ordain.sh", "\xc3\xa9t\xc3\xa9.sh"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        assert_false(entrypoint_runs_behind(before[i]));
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        assert_true(entrypoint_runs_behind(behind[i]));
}

static void half_a_rewind_is_told(void **state)
{
    (void)state;
    make("pgdata");
    put("pgdata/PG_VERSION", "15\n");
    put("pgdata.ordain-rewinding", "");
    assert_int_equal(data(), PG_DATA_REWINDING);
}

static void what_is_kept_and_remembered_is_found(void **state)
{
    (void)state;
    assert_int_equal(data(), PG_DATA_EMPTY);
    assert_string_equal(datadir.kept, "");
    assert_string_equal(datadir.remembered, "");
    make("pgdata.diverged-1-0-3000148");
    put("pgdata.ordain-primary", "pg-2\n");
    assert_int_equal(data(), PG_DATA_EMPTY);
    assert_string_equal(datadir.kept, "pgdata.diverged-1-0-3000148");
    assert_string_equal(datadir.remembered, "pg-2");
}

static void nothing_is_put_over_what_is_kept(void **state)
{
    (void)state;
    make("pgdata");
    put("pgdata/a", "new");
    make("pgdata.diverged-1-0-1");
    put("pgdata.diverged-1-0-1/a", "old");
    assert_false(datadir_move_aside(&datadir, ".diverged-1-0-1", &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_string_equal(text_of("pgdata.diverged-1-0-1/a"), "old");
    assert_true(datadir_move_aside(&datadir, ".discarded", &err));
    assert_false(there("pgdata"));
    assert_string_equal(text_of("pgdata.discarded/a"), "new");
    assert_true(datadir_remove_tree(&datadir, ".discarded", &err));
    assert_false(there("pgdata.discarded"));
    assert_true(datadir_remove_tree(&datadir, ".discarded", &err));
    assert_false(datadir_remove_tree(&datadir, "", &err));
}

static void one_holds_the_lock(void **state)
{
    (void)state;
    struct datadir other;
    bool held;
    assert_true(datadir_open(&other, pgdata, &err));
    assert_true(datadir_lock(&datadir, &held, &err) && held);
    assert_true(datadir_lock(&datadir, &held, &err) && held);
    assert_true(datadir_lock(&other, &held, &err));
    assert_false(held);
    datadir_close(&datadir);
    assert_true(datadir_lock(&other, &held, &err) && held);
    datadir_close(&other);
}

static void clocks_beat(void **state)
{
    (void)state;
    assert_true(datadir_beat_age_s(&datadir, DATADIR_CLONING) == DATADIR_NO_BEAT);
    datadir_beat(&datadir, DATADIR_CLONING);
    assert_in_range(datadir_beat_age_s(&datadir, DATADIR_CLONING), 0, 5);
    const struct timespec long_ago[2] = {
        {1000, 0},
        {1000, 0}
    };
    char path[512];
    snprintf(path, sizeof path, "%s" DATADIR_CLONING, pgdata);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_true(datadir_beat_age_s(&datadir, DATADIR_CLONING) > 1000000);
    datadir_beat(&datadir, DATADIR_CLONING);
    assert_in_range(datadir_beat_age_s(&datadir, DATADIR_CLONING), 0, 5);
}

static void paths_must_be_absolute_and_below_a_mount(void **state)
{
    (void)state;
    struct datadir other;
    assert_false(datadir_open(&other, "data", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(datadir_open(&other, "/", &err));
    assert_false(datadir_open(&other, "/proc", &err));
    assert_non_null(strstr(err.message, "PGDATA: /proc/pgdata"));
    assert_true(datadir_open(&other, "/tmp/x///", &err));
    assert_string_equal(other.path, "/tmp/x");
}

static void alter_system_s_words_of_a_role_are_taken_out(void **state)
{
    (void)state;
    make("pgdata");
    assert_true(auto_conf_clean(pgdata, AUTO_CONF_ALL, &err)); /* no file, no failure */
    put("pgdata/postgresql.auto.conf", "# Do not edit\n"
                                       "work_mem = '64MB'\n"
                                       "primary_conninfo = 'host=pg-0 primary_slot_name'\n"
                                       "  PRIMARY_SLOT_NAME='x'\n"
                                       "primary_conninfo_of_mine = 'kept'\n"
                                       "cluster_name = 'pg-0'\n"
                                       "default_transaction_read_only on\n"
                                       "synchronous_standby_names = 'ANY 1 (a)'");
    assert_true(auto_conf_clean(pgdata, AUTO_CONF_ALL, &err));
    assert_string_equal(text_of("pgdata/postgresql.auto.conf"),
                        "# Do not edit\n"
                        "work_mem = '64MB'\n"
                        "primary_conninfo_of_mine = 'kept'\n"
                        "synchronous_standby_names = 'ANY 1 (a)'");
}

static void a_standby_that_is_held_stays_so(void **state)
{
    (void)state;
    char held[128];
    char line[256];
    const int64_t now_s = clock_wall_ms() / 1000;
    const int64_t ages[] = {0, 15, 21, -5};
    make("pgdata");
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        bool stays = ages[i] >= 0 && ages[i] < 20;
        conninfo_hold(held, now_s - ages[i]);
        (void)snprintf(line, sizeof line,
                       "primary_conninfo = 'host=%s port=5432'\n"
                       "work_mem = '64MB'\n",
                       held);
        put("pgdata/postgresql.auto.conf", line);
        assert_true(auto_conf_clean(pgdata, AUTO_CONF_WHOM_NOT_HOLD, &err));
        assert_string_equal(text_of("pgdata/postgresql.auto.conf"),
                            stays ? line : "work_mem = '64MB'\n");
        put("pgdata/postgresql.auto.conf", line);
        assert_true(auto_conf_clean(pgdata, AUTO_CONF_WHOM, &err));
        assert_string_equal(text_of("pgdata/postgresql.auto.conf"), "work_mem = '64MB'\n");
    }
}

static void a_standby_has_its_signal_and_no_slots_of_ours(void **state)
{
    (void)state;
    make("pgdata");
    make("pgdata/pg_replslot");
    make("pgdata/pg_replslot/ordain_1");
    put("pgdata/pg_replslot/ordain_1/state", "x");
    make("pgdata/pg_replslot/theirs");
    assert_true(rejoin_as_standby(&datadir, &err));
    assert_true(there("pgdata/standby.signal"));
    assert_false(there("pgdata/pg_replslot/ordain_1"));
    assert_true(there("pgdata/pg_replslot/theirs"));
}

static void a_clone_keeps_no_key_of_its_primary(void **state)
{
    (void)state;
    make("pgdata");
    put("pgdata/server.key", "secret");
    put("pgdata/postgresql.auto.conf", "primary_conninfo = 'host=pg-9'\n");
    assert_true(rejoin_own_clone(pgdata, &err));
    assert_false(there("pgdata/server.key"));
    assert_string_equal(text_of("pgdata/postgresql.auto.conf"), "");
}

static void only_reserved_histories_are_removed(void **state)
{
    (void)state;
    make("pgdata");
    assert_true(reserved_history_remove(pgdata, &err));
    make("pgdata/pg_wal");
    put("pgdata/pg_wal/00000002.history", "1\t0/3000148\tno recovery target specified\n");
    put("pgdata/pg_wal/00000003.history", "1\t0/1000000\treserved by ordain\n");
    put("pgdata/pg_wal/000000030000000000000003", "reserved by ordain\n");
    assert_true(reserved_history_remove(pgdata, &err));
    assert_true(there("pgdata/pg_wal/00000002.history"));
    assert_false(there("pgdata/pg_wal/00000003.history"));
    assert_true(there("pgdata/pg_wal/000000030000000000000003"));
}

static void a_kept_directory_is_named_by_its_end(void **state)
{
    (void)state;
    char suffix[64];
    rejoin_kept_suffix(3, UINT64_C(0x16B374D848), suffix);
    assert_string_equal(suffix, ".diverged-3-16-B374D848");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(what_is_not_there_is_empty),
        ALONE(files_without_a_version_are_foreign),
        ALONE(a_regular_file_in_its_place_is_foreign),
        ALONE(half_an_initdb_is_told_from_a_life),
        ALONE(a_birth_lasts_until_a_server_in_production),
        ALONE(scripts_behind_ordain_s_own_are_told),
        ALONE(half_a_rewind_is_told),
        ALONE(what_is_kept_and_remembered_is_found),
        ALONE(nothing_is_put_over_what_is_kept),
        ALONE(one_holds_the_lock),
        ALONE(clocks_beat),
        ALONE(paths_must_be_absolute_and_below_a_mount),
        ALONE(alter_system_s_words_of_a_role_are_taken_out),
        ALONE(a_standby_that_is_held_stays_so),
        ALONE(a_standby_has_its_signal_and_no_slots_of_ours),
        ALONE(a_clone_keeps_no_key_of_its_primary),
        ALONE(only_reserved_histories_are_removed),
        ALONE(a_kept_directory_is_named_by_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
