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

/* Pod redis-1 of three, as a good manifest tells it; each test changes what it is about. */
static struct settings settings;
static struct identity identity;
static struct render_peer peers[3];
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
    settings = (struct settings){
        .region = "",
        .zone = "",
        .replicas = 3,
        .data_dir = "/data",
        .config_dir = config_dir,
        .template_dir = template_dir,
        .redis = {.port = 6379,
                  .username = "",
                  .password = "",
                  .password_file = "",
                  .tls_ca = "",
                  .tls_cert = "",
                  .tls_key = "",
                  .node_timeout_ms = 5000},
    };
    identity = (struct identity){.ordinal = 1,
                                 .pod_name = "redis-1",
                                 .statefulset = "redis",
                                 .service = "redis-headless",
                                 .namespace_name = "cache",
                                 .domain = "cluster.local",
                                 .cluster_id = "cache/redis"};
    assert_true(addr_parse(&identity.pod_ip, "10.0.0.2"));
    peers[0] =
        (struct render_peer){0, "redis-0", "redis-0.redis-headless", "10.0.0.1", "master", "a"};
    peers[1] =
        (struct render_peer){1, "redis-1", "redis-1.redis-headless", "10.0.0.2", "master", ""};
    peers[2] = (struct render_peer){2, "redis-2", "redis-2.redis-headless", "", "replica", "b"};
    facts = (struct render_facts){&identity, &settings, "redis", "master", "", peers, 3, NULL};
    err = (struct err){0};
    return 0;
}

static int tear_down(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "chmod -R u+rwX %s && rm -rf %s", root, root);
    return system(command);
}

static const char *in(const char *dir, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void add_template(const char *name, const char *text)
{
    assert_true(file_write(in(template_dir, name), text, strlen(text), 0644, NULL, &err));
}

static char made_text[65536];

/* The text of a file that was made. */
static const char *made(const char *name)
{
    struct buf buf = buf_new(sizeof made_text - 1);
    assert_true(file_read(in(config_dir, name), &buf, NULL, &err));
    strcpy(made_text, buf_text(&buf));
    buf_free(&buf);
    return made_text;
}

/* The made redis.conf is tests/golden/redis_conf/NAME, where the temporary directory is called
 * ROOT. */
static void check_golden(const char *name)
{
    char path[64];
    const char *from = made("redis.conf");
    struct buf text = buf_new(sizeof made_text);
    for (const char *at; (at = strstr(from, root)) != NULL; from = at + strlen(root)) {
        buf_add(&text, from, (size_t)(at - from));
        buf_add_text(&text, "ROOT");
    }
    buf_add_text(&text, from);
    snprintf(path, sizeof path, "redis_conf/%s", name);
    golden_check(path, buf_text(&text));
    buf_free(&text);
}

static unsigned mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(in(config_dir, name), &status), 0);
    return status.st_mode & 07777;
}

static bool is_made(const char *name)
{
    return access(in(config_dir, name), F_OK) == 0;
}

static void render(void)
{
    if (!render_config(&facts, false, &changed, &err))
        fail_msg("%s", err.message);
}

/* Refused with KIND and a sentence that holds TEXT; nothing was written. */
static void refused(enum err_kind kind, const char *text)
{
    assert_false(render_config(&facts, false, &changed, &err));
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, err.message);
    assert_int_equal(changed, 0);
    assert_false(is_made("redis.conf"));
    assert_false(is_made("role"));
}

static void the_default_configuration_is_the_recorded_one(void **state)
{
    (void)state;
    render();
    assert_int_equal(changed, 3);
    check_golden("plain.conf");
    assert_string_equal(made("role"), "master\n");
    assert_string_equal(made("ordain.env"), "ROLE='master'\nORDINAL='1'\nPOD_NAME='redis-1'\n"
                                            "POD_IP='10.0.0.2'\nCLUSTER_ID='cache/redis'\n");
}

static void password_user_and_extra_file_are_the_recorded_ones(void **state)
{
    (void)state;
    settings.redis.password = "p \"ss'#$\\w\xC3\xB6rd";
    settings.redis.username = "app";
    settings.redis.port = 7000;
    add_template("extra.conf", "maxmemory ${MAXMEMORY:-100mb}\nuser default off\n");
    render();
    assert_int_equal(changed, 4);
    check_golden("password-user-extra.conf");
    assert_string_equal(made("extra.conf"), "maxmemory 100mb\nuser default off\n");
}

static void tls_is_the_recorded_one(void **state)
{
    (void)state;
    settings.redis.tls_ca = "/tls/ca.crt";
    settings.redis.tls_cert = "/tls/tls.crt";
    settings.redis.tls_key = "/tls/tls.key";
    settings.redis.username = "default";
    settings.redis.password = "secret";
    facts.role = "replica";
    render();
    check_golden("tls.conf");
}

static void templates_are_secret_and_the_rest_is_open(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    add_template("a.json", "{}\n");
    render();
    umask(mask);
    assert_int_equal(mode_of("redis.conf"), 0600);
    assert_int_equal(mode_of("a.json"), 0600);
    assert_int_equal(mode_of("role"), 0644);
    assert_int_equal(mode_of("ordain.env"), 0644);
}

static void a_second_run_writes_nothing(void **state)
{
    (void)state;
    add_template("extra.conf", "a 1\n");
    render();
    assert_int_equal(changed, 4);
    render();
    assert_int_equal(changed, 0);
    facts.role = "replica"; /* not in redis.conf */
    render();
    assert_int_equal(changed, 2);
}

static void a_dry_run_counts_and_writes_nothing(void **state)
{
    (void)state;
    assert_true(render_config(&facts, true, &changed, &err));
    assert_int_equal(changed, 3);
    assert_false(is_made("redis.conf"));
    render();
    assert_true(render_config(&facts, true, &changed, &err));
    assert_int_equal(changed, 0);
    facts.role = "replica";
    assert_true(render_config(&facts, true, &changed, &err));
    assert_int_equal(changed, 2);
    assert_string_equal(made("role"), "master\n");
}

static void facts_may_be_written_in_either_case_and_win(void **state)
{
    (void)state;
    setenv("ROLE", "env", 1);
    setenv("Role", "mixed", 1);
    setenv("TEST_ONLY", "env value", 1);
    settings.region = "eu";
    settings.zone = "setting"; /* wins */
    facts.zone = "born in";
    settings.redis.version_major = 7;
    settings.redis.version_minor = 2;
    add_template("x.txt",
                 "${ROLE} ${role} ${Role} ${TEST_ONLY} ${test_only:-none}\n"
                 "${ORDINAL} ${POD_NAME} ${HOST_NAME} ${NAMESPACE} ${STATEFULSET} ${SERVICE}\n"
                 "${CLUSTER_DOMAIN} ${CLUSTER_ID} ${POD_IP} ${REGION} ${ZONE} ${PORT} ${REPLICAS}\n"
                 "${ENGINE} ${TLS} ${NODE_TIMEOUT} ${VERSION_MAJOR}.${VERSION_MINOR} ${DATA_DIR}\n"
                 "${PASSWORD-none} ${USERNAME-none} ${EXTRA_CONF-none}\n");
    render();
    assert_string_equal(made("x.txt"),
                        "master master mixed env value none\n"
                        "1 redis-1 redis-1.redis-headless.cache.svc.cluster.local cache redis "
                        "redis-headless\n"
                        "cluster.local cache/redis 10.0.0.2 eu setting 6379 3\n"
                        "redis no 5000 7.2 /data\n"
                        "none none none\n");
    settings.zone = "";
    facts.zone = "born in";
    render();
    assert_non_null(strstr(made("ordain.env"), "REGION='eu'\nZONE='born in'\n"));
    unsetenv("ROLE");
    unsetenv("Role");
    unsetenv("TEST_ONLY");
}

static void peers_have_facts_inside_their_loop(void **state)
{
    (void)state;
    add_template("peers.txt",
                 "#@for peer\n"
                 "${PEER_ORDINAL} ${PEER_NAME} ${peer_host} ${PEER_IP:-?} ${PEER_ROLE} "
                 "${PEER_ZONE:-?} ${PEER_SELF}\n"
                 "#@end\n");
    render();
    assert_string_equal(made("peers.txt"),
                        "0 redis-0 redis-0.redis-headless 10.0.0.1 master a no\n"
                        "1 redis-1 redis-1.redis-headless 10.0.0.2 master ? yes\n"
                        "2 redis-2 redis-2.redis-headless ? replica b no\n");
    unlink(in(config_dir, "redis.conf"));
    unlink(in(config_dir, "role"));
    add_template("peers.txt", "${PEER_IP}\n");
    refused(ERR_CONFIG, "inside #@for peer");
}

static void a_file_of_the_users_replaces_the_built_in_one(void **state)
{
    (void)state;
    add_template("redis.conf", "port ${PORT}\n");
    add_template(".hidden", "${NOPE}");
    render();
    assert_string_equal(made("redis.conf"), "port 6379\n");
    assert_false(is_made(".hidden"));
}

/* Renders in vain; returns how many lines were logged, the last one in LINE. */
static int render_logged(char *line, int size)
{
    int count = 0;
    int saved = dup(STDERR_FILENO);
    FILE *log = fopen(in(root, "log"), "w+");
    assert_non_null(log);
    assert_true(saved >= 0 && dup2(fileno(log), STDERR_FILENO) >= 0);
    bool ok = render_config(&facts, false, &changed, &err);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_false(ok);
    rewind(log);
    while (fgets(line, size, log) != NULL)
        count++;
    fclose(log);
    return count;
}

static void all_errors_of_all_templates_are_told_at_once(void **state)
{
    char line[4096];
    int count;
    (void)state;
    settings.redis.username = "app"; /* without a password: an error of the built-in one */
    add_template("a.conf", "${NOPE}\n\n  ${unterminated\n");
    add_template("b.json", "#@if\n");
    mkdir(in(template_dir, "dir"), 0755);
    add_template("role", "x");
    count = render_logged(line, sizeof line);
    assert_int_equal(count, 7);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.message, "7 errors in the templates, the first: "));
    assert_false(is_made("role"));
}

static void the_number_of_errors_shown_has_a_bound(void **state)
{
    static char text[20000];
    char line[4096];
    int count;
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + i * 8, "${NOPE}\n", 8);
    text[8000] = '\0';
    add_template("a.conf", text);
    count = render_logged(line, sizeof line);
    assert_int_equal(count, 51);
    assert_string_equal(line, "error: and 950 more\n");
    assert_non_null(strstr(err.message, "1000 errors"));
    assert_non_null(strstr(err.message, "a.conf:1:1: 'NOPE' is not set"));
}

static void what_the_pod_lacks_is_named_with_its_remedy(void **state)
{
    (void)state;
    identity.pod_ip.family = ADDR_NONE;
    refused(ERR_CONFIG, "status.podIP");
    identity.pod_ip.family = ADDR_IPV4;
    settings.redis.username = "app";
    refused(ERR_CONFIG, "ORDAIN_REDIS_PASSWORD_FILE");
    settings.redis.username = "two words";
    refused(ERR_CONFIG, "ORDAIN_REDIS_USERNAME");
}

static void a_secret_file_is_read_anew_each_time(void **state)
{
    (void)state;
    settings.redis.password = "not this one";
    settings.redis.password_file = strdup(in(root, "secret"));
    assert_true(file_write(settings.redis.password_file, "one\n", 4, 0600, NULL, &err));
    render();
    assert_non_null(strstr(made("redis.conf"), "\nrequirepass one\nmasterauth one\n"));
    assert_true(file_write(settings.redis.password_file, "two", 3, 0600, NULL, &err));
    render();
    assert_int_equal(changed, 1);
    assert_non_null(strstr(made("redis.conf"), "\nrequirepass two\nmasterauth two\n"));
    unlink(settings.redis.password_file);
    assert_false(render_config(&facts, false, &changed, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    free((char *)settings.redis.password_file);
}

static void an_environment_file_holds_no_quote_and_no_line_break(void **state)
{
    static const char *const bad[] = {"it's", "a\nb", "a\x01", "a\x7f"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        settings.region = bad[i];
        refused(ERR_CONFIG, "REGION");
    }
    settings.region = "a \"b\" $c \\ #";
    render();
    assert_non_null(strstr(made("ordain.env"), "\nREGION='a \"b\" $c \\ #'\n"));
}

static void a_config_map_is_read_through_its_data_link(void **state)
{
    char path[256];
    (void)state;
    mkdir(in(template_dir, "..2026_11"), 0755);
    snprintf(path, sizeof path, "%s/..2026_11/extra.conf", template_dir);
    assert_true(file_write(path, "a ${ROLE}\n", 10, 0644, NULL, &err));
    assert_int_equal(symlink("..2026_11", in(template_dir, "..data")), 0);
    assert_int_equal(symlink("..data/extra.conf", in(template_dir, "extra.conf")), 0);
    render();
    assert_string_equal(made("extra.conf"), "a master\n");
}

static void what_is_no_file_is_refused_and_never_waited_for(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in(template_dir, "extra.conf"), 0644), 0);
    refused(ERR_CONFIG, "extra.conf");
    unlink(in(template_dir, "extra.conf"));
    mkdir(in(template_dir, "redis.conf"), 0755);
    refused(ERR_CONFIG, "is a directory");
    rmdir(in(template_dir, "redis.conf"));
    assert_int_equal(symlink("redis.conf", in(template_dir, "redis.conf")), 0);
    refused(ERR_CONFIG, "redis.conf");
    unlink(in(template_dir, "redis.conf"));
    assert_int_equal(symlink("absent", in(template_dir, "redis.conf")), 0);
    refused(ERR_CONFIG, "redis.conf");
    unlink(in(template_dir, "redis.conf"));
    add_template("redis.conf", "");
    assert_int_equal(truncate(in(template_dir, "redis.conf"), 10 * 1024 * 1024), 0);
    refused(ERR_CONFIG, "larger than 1048576 bytes");
    settings.template_dir = "/nowhere/at/all";
    refused(ERR_CONFIG, "ORDAIN_TEMPLATE_DIR");
    settings.template_dir = "/dev/null";
    refused(ERR_CONFIG, "ORDAIN_TEMPLATE_DIR");
}

static void too_many_templates_are_refused(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "%d.conf", i);
        add_template(name, "");
    }
    refused(ERR_CONFIG, "more than 64");
    unlink(in(template_dir, "63.conf"));
    render();
    assert_int_equal(changed, 66);
}

static void a_directory_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    settings.config_dir = "/nowhere/at/all";
    assert_false(render_config(&facts, false, &changed, &err));
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_default_configuration_is_the_recorded_one),
        TEST(password_user_and_extra_file_are_the_recorded_ones),
        TEST(tls_is_the_recorded_one),
        TEST(templates_are_secret_and_the_rest_is_open),
        TEST(a_second_run_writes_nothing),
        TEST(a_dry_run_counts_and_writes_nothing),
        TEST(facts_may_be_written_in_either_case_and_win),
        TEST(peers_have_facts_inside_their_loop),
        TEST(a_file_of_the_users_replaces_the_built_in_one),
        TEST(all_errors_of_all_templates_are_told_at_once),
        TEST(the_number_of_errors_shown_has_a_bound),
        TEST(what_the_pod_lacks_is_named_with_its_remedy),
        TEST(a_secret_file_is_read_anew_each_time),
        TEST(an_environment_file_holds_no_quote_and_no_line_break),
        TEST(a_config_map_is_read_through_its_data_link),
        TEST(what_is_no_file_is_refused_and_never_waited_for),
        TEST(too_many_templates_are_refused),
        TEST(a_directory_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
