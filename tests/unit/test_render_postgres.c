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

#include "init/render.h"
#include "init/sys/file.h"
#include "tests/unit/golden.h"

/* Pod pg-1 of three, a standby of pg-0; each test changes what it is about. */
static struct settings settings;
static struct identity identity;
static struct render_postgres postgres;
static struct render_facts facts;
static char root[64], config_dir[96], template_dir[96];
static struct err err;
static size_t changed;

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/ordain-render-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(config_dir, sizeof config_dir, "%s/config", root);
    snprintf(template_dir, sizeof template_dir, "%s/templates", root);
    mkdir(config_dir, 0755);
    mkdir(template_dir, 0755);
    char *no_flags[] = {NULL};
    int operands_at;
    assert_true(settings_read(&settings, 0, "postgres", 0, no_flags, &operands_at, &err));
    settings.config_dir = config_dir;
    settings.template_dir = template_dir;
    settings.replicas = 3;
    settings.data_dir = "/data/pgdata";
    settings.postgres.password = "pa:ss'wo\\rd";
    identity = (struct identity){.ordinal = 1,
                                 .pod_name = "pg-1",
                                 .statefulset = "pg",
                                 .service = "pg",
                                 .namespace_name = "default",
                                 .domain = "cluster.local",
                                 .cluster_id = "default/pg"};
    assert_true(addr_parse(&identity.pod_ip, "10.0.0.2"));
    postgres = (struct render_postgres){.primary = 0, .ordain_path = "/ordain/bin/ordain"};
    facts = (struct render_facts){.identity = &identity,
                                  .settings = &settings,
                                  .engine = "postgres",
                                  .role = "standby",
                                  .zone = "",
                                  .postgres = &postgres};
    return 0;
}

static int tear_down(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

/* The text of a made file, in which the temporary directory is called /CONFIG. */
static const char *made(const char *name)
{
    static char text[32 * 1024];
    char path[4096];
    struct buf file = buf_new(64 * 1024);
    assert_true(file_join(path, config_dir, name, &err));
    assert_true(file_read(path, &file, NULL, &err));
    text[0] = '\0';
    const char *at = buf_text(&file);
    for (const char *found; (found = strstr(at, config_dir)) != NULL;
         at = found + strlen(config_dir)) {
        strncat(text, at, (size_t)(found - at));
        strcat(text, "/CONFIG");
    }
    strcat(text, at);
    buf_free(&file);
    return text;
}

static void render(void)
{
    if (!render_config(&facts, false, &changed, &err))
        fail_msg("%s", err.message);
}

static bool has_line(const char *name, const char *line)
{
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    return strstr(made(name), wanted) != NULL;
}

static void a_standby_is_as_recorded(void **state)
{
    (void)state;
    render();
    golden_check("postgres_conf/standby.conf", made("postgresql.conf"));
    golden_check("postgres_conf/pg_hba.conf", made("pg_hba.conf"));
    golden_check("postgres_conf/pgpass", made("pgpass"));
    golden_check("postgres_conf/zz-ordain.sh", made("initdb.d/zz-ordain.sh"));
    assert_string_equal(made("role"), "standby\n");
    size_t first = changed;
    assert_true(first >= 7);
    render();
    assert_int_equal(changed, 0);
}

static void a_primary_follows_nobody(void **state)
{
    (void)state;
    postgres.primary = 1;
    facts.role = "primary";
    render();
    assert_null(strstr(made("postgresql.conf"), "primary_conninfo ="));
    postgres.primary = -1;
    render();
    assert_null(strstr(made("postgresql.conf"), "primary_conninfo ="));
}

static void limits_are_never_below_the_control_file(void **state)
{
    (void)state;
    postgres.max_connections = 500;
    postgres.max_worker_processes = 2;
    postgres.max_wal_senders = 40;
    postgres.max_prepared_xacts = 7;
    postgres.max_locks_per_xact = 65;
    render();
    assert_true(has_line("postgresql.conf", "max_connections = 500"));
    assert_true(has_line("postgresql.conf", "max_worker_processes = 8"));
    assert_true(has_line("postgresql.conf", "max_wal_senders = 40"));
    assert_true(has_line("postgresql.conf", "max_prepared_transactions = 7"));
    assert_true(has_line("postgresql.conf", "max_locks_per_transaction = 65"));
}

static void secrets_and_scripts_are_the_owners_alone(void **state)
{
    (void)state;
    struct stat status;
    char path[4096];
    render();
    assert_true(file_join(path, config_dir, "pgpass", &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(file_join(path, config_dir, "initdb.d/zz-ordain.sh", &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_null(strstr(made("postgresql.conf"), "pa:ss"));
}

static void replication_comes_from_where_it_is_told(void **state)
{
    (void)state;
    settings.postgres.replication_from = "10.0.0.0/8,fd00::1,192.0.2.7,samenet";
    render();
    const char *hba = made("pg_hba.conf");
    assert_non_null(strstr(hba, "\"replicator\"  10.0.0.0/8  scram-sha-256\n"));
    assert_non_null(strstr(hba, "\"replicator\"  fd00::1/128  scram-sha-256\n"));
    assert_non_null(strstr(hba, "\"replicator\"  192.0.2.7/32  scram-sha-256\n"));
    assert_non_null(strstr(hba, "\"replicator\"  samenet  scram-sha-256\n"));
    assert_null(strstr(hba, "\"replicator\"  all"));
    const char *const bad[] = {"10.0.0.0/8 trust", "example.org", "10.0.0.0/", "",
                               "all,,all",         "10.0.0.0/8\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (*bad[i] == '\0')
            continue;
        settings.postgres.replication_from = bad[i];
        assert_false(render_config(&facts, false, &changed, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

static void tls_is_asked_of_everybody(void **state)
{
    (void)state;
    settings.postgres.tls_ca = "/tls/ca.crt";
    settings.postgres.tls_cert = "/tls/tls.crt";
    settings.postgres.tls_key = "/tls/tls.key";
    render();
    golden_check("postgres_conf/tls.conf", made("postgresql.conf"));
    assert_non_null(strstr(made("pg_hba.conf"), "hostssl replication"));
}

static void own_settings_come_last(void **state)
{
    (void)state;
    char path[4096];
    assert_true(file_join(path, template_dir, "extra.conf", &err));
    assert_true(file_write(path, "work_mem = 64MB\n", 16, 0644, NULL, &err));
    assert_true(file_join(path, template_dir, "initdb.d-60-app.sql", &err));
    assert_true(file_write(path, "SELECT 1;\n", 10, 0644, NULL, &err));
    render();
    assert_non_null(strstr(made("postgresql.conf"), "include '/CONFIG/extra.conf'\n"));
    assert_string_equal(made("initdb.d/60-app.sql"), "SELECT 1;\n");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(a_standby_is_as_recorded),
        ALONE(a_primary_follows_nobody),
        ALONE(limits_are_never_below_the_control_file),
        ALONE(secrets_and_scripts_are_the_owners_alone),
        ALONE(replication_comes_from_where_it_is_told),
        ALONE(tls_is_asked_of_everybody),
        ALONE(own_settings_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
