#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/privileged_start.h"
#include "init/sys/privilege.h"

/* ---- owners */

static void an_owner_is_one_or_two_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uid_t uid;
        gid_t gid;
    } rows[] = {
        {"999",                     true,  999,        999       },
        {"999:1000",                true,  999,        1000      },
        {"0:0",                     true,  0,          0         },
        {"1000860000:0",            true,  1000860000, 0         },
        {"4294967294:4294967294",   true,  4294967294, 4294967294},
        {"4294967295",              false, 0,          0         },
        {"1:4294967295",            false, 0,          0         },
        {"4294967296",              false, 0,          0         },
        {"18446744073709551616",    false, 0,          0         },
        {"99999999999999999999999", false, 0,          0         },
        {"",                        false, 0,          0         },
        {":",                       false, 0,          0         },
        {"999:",                    false, 0,          0         },
        {":999",                    false, 0,          0         },
        {"-1",                      false, 0,          0         },
        {"+1",                      false, 0,          0         },
        {" 1",                      false, 0,          0         },
        {"1 ",                      false, 0,          0         },
        {"1:2:3",                   false, 0,          0         },
        {"0999",                    false, 0,          0         },
        {"0x3e7",                   false, 0,          0         },
        {"redis",                   false, 0,          0         },
        {"1.0",                     false, 0,          0         },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uid_t uid = 7;
        gid_t gid = 7;
        struct err err = {0};
        assert_int_equal(privilege_parse_owner(rows[i].text, &uid, &gid, &err), rows[i].good);
        assert_int_equal(uid, rows[i].good ? rows[i].uid : 7);
        assert_int_equal(gid, rows[i].good ? rows[i].gid : 7);
        assert_int_equal(err.kind, rows[i].good ? 0 : ERR_CONFIG);
    }
}

/* ---- children, because what is given up cannot be had again */

static char place[64];

/* On the file system of "/", as an image's own directories are: /tmp may be a volume of its own. */
static int make_place(void **state)
{
    (void)state;
    struct stat slash;
    struct stat tmp;
    bool apart = stat("/", &slash) != 0 || stat("/tmp", &tmp) != 0 || slash.st_dev != tmp.st_dev;
    (void)snprintf(place, sizeof place, "%s/ordain-privilege.XXXXXX", apart ? "/var/tmp" : "/tmp");
    return mkdtemp(place) != NULL && chmod(place, 0755) == 0 ? 0 : -1;
}

static int remove_place(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", place);
    return system(command);
}

static char data_dir[80], config_dir[80];

/* Paths in the place; directories are made where a mode is given. */
static struct settings settings_in_place(mode_t data_mode, mode_t config_mode)
{
    (void)snprintf(data_dir, sizeof data_dir, "%s/data", place);
    (void)snprintf(config_dir, sizeof config_dir, "%s/config", place);
    if (data_mode != 0)
        assert_int_equal(mkdir(data_dir, data_mode), 0);
    if (config_mode != 0)
        assert_int_equal(mkdir(config_dir, config_mode), 0);
    return (struct settings){
        .owner = "", .data_dir = data_dir, .config_dir = config_dir, .hardlinks = "auto"};
}

/* CHECK runs in a child; it returns 0 for good, and what it prints on stderr says why not. */
static void in_child(int (*check)(void *argument), void *argument)
{
    int status = -1;
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(check(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool status_says(const char *line)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return strstr(text, line) != NULL;
}

static bool is_powerless(void)
{
    return status_says("\nCapInh:\t0000000000000000\n") &&
           status_says("\nCapPrm:\t0000000000000000\n") &&
           status_says("\nCapEff:\t0000000000000000\n") &&
           status_says("\nCapAmb:\t0000000000000000\n") && status_says("\nNoNewPrivs:\t1\n") &&
           setresuid((uid_t)-1, 0, (uid_t)-1) != 0;
}

static int become_from_root(void *argument)
{
    (void)argument;
    struct err err = {0};
    const gid_t groups[] = {0, 5, 27};
    EXPECT(setgroups(3, groups) == 0);
    EXPECT(privilege_become(999, 1000, &err));
    EXPECT(status_says("\nUid:\t999\t999\t999\t999\n"));
    EXPECT(status_says("\nGid:\t1000\t1000\t1000\t1000\n"));
    EXPECT(status_says("\nGroups:\t \n"));
    EXPECT(status_says("\nCapBnd:\t0000000000000000\n"));
    EXPECT(is_powerless());
    EXPECT(!privilege_can_chown());
    EXPECT(privilege_become(999, 1000, &err)); /* again: nothing to do */
    EXPECT(!privilege_become(999, 999, &err));
    EXPECT(err.kind == ERR_DENIED && strstr(err.message, "add: [SETUID, SETGID]") != NULL);
    EXPECT(!privilege_become(0, 0, &err));
    EXPECT(status_says("\nUid:\t999\t999\t999\t999\n"));
    return 0;
}

static void root_becomes_the_owner_for_good(void **state)
{
    (void)state;
    in_child(become_from_root, NULL);
}

static int become_with_groups(void *argument)
{
    (void)argument;
    struct err err = {0};
    const gid_t groups[] = {2000};
    EXPECT(setgroups(1, groups) == 0 && setresgid(999, 999, 999) == 0 &&
           setresuid(999, 999, 999) == 0);
    EXPECT(privilege_become(999, 999, &err));
    EXPECT(status_says("\nGroups:\t2000 \n"));
    EXPECT(is_powerless());
    return 0;
}

static void the_owner_keeps_the_groups_that_fsgroup_gave(void **state)
{
    (void)state;
    in_child(become_with_groups, NULL);
}

static int become_unmapped(void *argument)
{
    (void)argument;
    struct err err = {0};
    EXPECT(unshare(CLONE_NEWUSER) == 0); /* nothing is mapped */
    EXPECT(!privilege_become(999, 999, &err));
    EXPECT(err.kind == ERR_DENIED);
    return 0;
}

static void an_owner_that_is_not_mapped_is_denied(void **state)
{
    (void)state;
    in_child(become_unmapped, NULL);
}

/* ---- the start of init and exec */

static int start_on_a_new_volume(void *argument)
{
    const struct settings *settings = argument;
    struct err err = {0};
    struct stat status;
    char path[128];
    EXPECT(chown(config_dir, 0, 0) == 0);
    EXPECT(privileged_start(settings, "redis", &err));
    EXPECT(geteuid() == 999 && getegid() == 999 && is_powerless());
    EXPECT(stat(data_dir, &status) == 0 && status.st_uid == 999 && status.st_gid == 999);
    EXPECT(stat(config_dir, &status) == 0 && status.st_uid == 999 && status.st_gid == 999);
    (void)snprintf(path, sizeof path, "%s/new", config_dir);
    EXPECT(mkdir(path, 0700) == 0);
    EXPECT(privileged_start(settings, "redis", &err)); /* again, as the owner */
    return 0;
}

static void root_mends_both_directories_and_becomes_their_owner(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0755, 0755);
    in_child(start_on_a_new_volume, &settings);
}

static int start_as_told(void *argument)
{
    struct settings *settings = argument;
    struct err err = {0};
    struct stat status;
    settings->owner = "1234:4321";
    EXPECT(privileged_start(settings, "redis", &err));
    EXPECT(geteuid() == 1234 && getegid() == 4321);
    EXPECT(stat(config_dir, &status) == 0 && status.st_uid == 1234 &&
           (status.st_mode & 07777) == 0755);
    return 0;
}

static void a_missing_configuration_directory_is_made_and_the_owner_is_as_told(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0755, 0);
    in_child(start_as_told, &settings);
}

static int start_without_volume(void *argument)
{
    struct err err = {0};
    EXPECT(!privileged_start(argument, "redis", &err));
    EXPECT(err.kind == ERR_CONFIG && strstr(err.message, "no directory") != NULL);
    EXPECT(geteuid() == 0);
    return 0;
}

static void a_volume_that_is_not_mounted_is_told(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0, 0755);
    in_child(start_without_volume, &settings);
}

static int start_as_stranger(void *argument)
{
    struct err err = {0};
    EXPECT(chown(data_dir, 999, 999) == 0);
    EXPECT(setgroups(0, NULL) == 0 && setresgid(70, 70, 70) == 0 && setresuid(70, 70, 70) == 0);
    EXPECT(!privileged_start(argument, "redis", &err));
    EXPECT(err.kind == ERR_DENIED && strstr(err.message, "fsGroup: 70") != NULL);
    EXPECT(strstr(err.message, "999:999 with mode 0755") != NULL);
    return 0;
}

static void another_user_is_told_what_the_pod_needs(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0755, 0777);
    (void)chmod(config_dir, 0777);
    in_child(start_as_stranger, &settings);
}

static int start_in_group(void *argument)
{
    struct err err = {0};
    const gid_t groups[] = {2000};
    EXPECT(chown(data_dir, 0, 2000) == 0 && chmod(data_dir, 02775) == 0);
    EXPECT(chown(config_dir, 0, 2000) == 0 && chmod(config_dir, 02775) == 0);
    EXPECT(setgroups(1, groups) == 0 && setresgid(999, 999, 999) == 0 &&
           setresuid(999, 999, 999) == 0);
    EXPECT(privileged_start(argument, "redis", &err));
    EXPECT(is_powerless());
    return 0;
}

static void what_fsgroup_made_is_enough_for_an_ordinary_user(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0755, 0755);
    in_child(start_in_group, &settings);
}

/* ---- postgres */

/* The place becomes a volume of its own, as seen by this child alone. */
static bool mount_volume(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("volume", place, "tmpfs", 0, "mode=0755") == 0;
}

static int start_postgres_without_pgdata(void *argument)
{
    struct settings *settings = argument;
    struct err err = {0};
    struct stat status;
    EXPECT(mount_volume());
    EXPECT(privileged_start(settings, "postgres", &err));
    EXPECT(stat(place, &status) == 0 && status.st_uid == 999);
    EXPECT(lstat(data_dir, &status) != 0 && errno == ENOENT);
    EXPECT(mkdir(data_dir, 0700) == 0);
    return 0;
}

static void a_pgdata_to_come_can_be_made_by_the_owner(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0, 0);
    in_child(start_postgres_without_pgdata, &settings);
}

static int start_postgres_on_the_image(void *argument)
{
    struct err err = {0};
    struct stat status;
    EXPECT(chown(data_dir, 70, 70) == 0 && chmod(data_dir, 02770) == 0);
    EXPECT(privileged_start(argument, "postgres", &err));
    EXPECT(geteuid() == 70);
    EXPECT(stat(data_dir, &status) == 0 && (status.st_mode & 07777) == 0700);
    EXPECT(stat(place, &status) == 0 && status.st_uid == 0);
    return 0;
}

static void what_is_not_a_volume_above_pgdata_is_left_alone(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0700, 0755);
    in_child(start_postgres_on_the_image, &settings);
}

static int close_as_owner(void *argument)
{
    struct err err = {0};
    struct stat status;
    EXPECT(chown(data_dir, 999, 2000) == 0 && chmod(data_dir, 02770) == 0);
    EXPECT(chmod(config_dir, 0777) == 0);
    EXPECT(setgroups(0, NULL) == 0 && setresgid(999, 999, 999) == 0 &&
           setresuid(999, 999, 999) == 0);
    EXPECT(privileged_start(argument, "postgres", &err));
    EXPECT(stat(data_dir, &status) == 0 && (status.st_mode & 07777) == 0700 &&
           status.st_gid == 2000);
    return 0;
}

static void an_opened_pgdata_is_closed_by_its_owner_without_a_capability(void **state)
{
    (void)state;
    struct settings settings = settings_in_place(0700, 0755);
    in_child(close_as_owner, &settings);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owner_is_one_or_two_numbers),
        cmocka_unit_test(root_becomes_the_owner_for_good),
        cmocka_unit_test(the_owner_keeps_the_groups_that_fsgroup_gave),
        cmocka_unit_test(an_owner_that_is_not_mapped_is_denied),
        IN_PLACE(root_mends_both_directories_and_becomes_their_owner),
        IN_PLACE(a_missing_configuration_directory_is_made_and_the_owner_is_as_told),
        IN_PLACE(a_volume_that_is_not_mounted_is_told),
        IN_PLACE(another_user_is_told_what_the_pod_needs),
        IN_PLACE(what_fsgroup_made_is_enough_for_an_ordinary_user),
        IN_PLACE(a_pgdata_to_come_can_be_made_by_the_owner),
        IN_PLACE(what_is_not_a_volume_above_pgdata_is_left_alone),
        IN_PLACE(an_opened_pgdata_is_closed_by_its_owner_without_a_capability),
    };
    if (geteuid() != 0) {
        (void)printf("Bail out! these tests give rights up and need root for it\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
