#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#include "init/sys/perms_internal.h"

/* ---- a directory to play in */

static char place[64];

static int make_place(void **state)
{
    (void)state;
    (void)snprintf(place, sizeof place, "/tmp/ordain-perms.XXXXXX");
    return mkdtemp(place) != NULL ? 0 : -1;
}

static int remove_place(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", place);
    return system(command);
}

static const char *in_place(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", place, name);
    return path;
}

static void touch(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    (void)close(fd);
}

/* ---- what is mounted where */

static const char mountinfo[] =
    "21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "22 21 0:20 / /proc rw - proc proc rw\n"
    "30 21 8:16 / /data rw - ext4 /dev/sdb rw\n"
    "31 21 8:1 /var/lib/kubelet/pods/1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
    "32 21 8:1 /var/lib/kubelet/pods/1/empty /etc/redis rw master:1 - ext4 /dev/sda1 rw\n"
    "33 30 8:16 /sub /data/in\\040side rw - ext4 /dev/sdb rw\n"
    "34 21 8:32 /pgdata /sub rw - xfs /dev/sdc rw\n"
    "35 21 0:50 / /wei\\134rd\\012 rw - tmpfs none rw\n"
    "36 21 0:50 / /second rw - tmpfs none rw\n";

static void a_volume_of_its_own_is_neither_shared_nor_a_part(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_true(perms_mounts_parse(mountinfo, 30, "/data", &mounts));
    assert_false(mounts.part);
    assert_false(mounts.shared);
    assert_true(mounts.same_below);
    assert_true(mounts.below);
}

static void a_directory_of_the_hosts_is_shared_with_what_else_is_mounted_from_there(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_true(perms_mounts_parse(mountinfo, 32, "/etc/redis", &mounts));
    assert_true(mounts.part);
    assert_true(mounts.shared);
    assert_string_equal(mounts.other, "/");
    assert_false(mounts.same_below);
    assert_true(perms_mounts_parse(mountinfo, 21, "/srv", &mounts));
    assert_string_equal(mounts.other, "/etc/hosts");
    assert_true(perms_mounts_parse(mountinfo, 21, "/etc", &mounts));
    assert_true(mounts.below);
}

static void a_sub_path_is_a_part_although_nothing_else_is_mounted(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_true(perms_mounts_parse(mountinfo, 34, "/sub", &mounts));
    assert_true(mounts.part);
    assert_false(mounts.shared);
    assert_false(mounts.below);
}

static void a_mount_beside_is_not_below(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    static const char near[] = "1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / /data rw - ext4 y rw\n"
                               "3 1 8:2 / /data2 rw - ext4 y rw\n";
    assert_true(perms_mounts_parse(near, 2, "/data", &mounts));
    assert_true(mounts.shared);
    assert_false(mounts.same_below);
}

static void mount_points_are_shown_escaped(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_true(perms_mounts_parse(mountinfo, 36, "/second", &mounts));
    assert_true(mounts.shared);
    assert_string_equal(mounts.other, "/wei\\\\rd\\x0a");
}

static void without_numbers_the_longest_mount_point_counts(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_true(perms_mounts_parse(mountinfo, 0, "/etc/redis/deep", &mounts));
    assert_true(mounts.part);
    assert_true(perms_mounts_parse(mountinfo, 0, "/data", &mounts));
    assert_true(mounts.same_below);
    assert_true(perms_mounts_parse(mountinfo, 0, "/data2", &mounts));
    assert_true(mounts.shared);
}

static void a_mount_that_is_not_listed_is_told(void **state)
{
    (void)state;
    struct perms_mounts mounts;
    assert_false(perms_mounts_parse(mountinfo, 99, "/data", &mounts));
    assert_false(perms_mounts_parse("", 0, "/data", &mounts));
    assert_false(perms_mounts_parse("\n\n garbage", 3, "/data", &mounts));
    assert_false(perms_mounts_parse("30", 30, "/data", &mounts));
    perms_mounts_observe(UINT64_MAX, "/", &mounts);
    assert_true(mounts.shared);
    assert_true(mounts.same_below);
}

/* ---- processors */

static void a_quota_allows_whole_processors(void **state)
{
    (void)state;
    assert_int_equal(perms_quota_parse("max 100000\n"), INT_MAX);
    assert_int_equal(perms_quota_parse("200000 100000\n"), 2);
    assert_int_equal(perms_quota_parse("199999 100000"), 1);
    assert_int_equal(perms_quota_parse("50000 100000"), 0);
    assert_int_equal(perms_quota_parse("-1 100000"), INT_MAX);
    assert_int_equal(perms_quota_parse("100000"), INT_MAX);
    assert_int_equal(perms_quota_parse("100000 0"), INT_MAX);
    assert_int_equal(perms_quota_parse(""), INT_MAX);
    assert_int_equal(perms_quota_parse("99999999999999999999 1"), INT_MAX);
    int threads = perms_threads();
    assert_true(threads == 1 || threads == 2);
}

static void a_processor_is_free_while_fewer_run_than_there_are(void **state)
{
    (void)state;
    assert_true(perms_is_processor_free("0.20 0.18 0.12 1/80 11206\n", 2));
    assert_false(perms_is_processor_free("0.20 0.18 0.12 2/80 11206\n", 2));
    assert_false(perms_is_processor_free("9.00 9.00 9.00 12/80 11206\n", 4));
    assert_true(perms_is_processor_free("9.00 9.00 9.00 1/80 11206\n", 4));
    assert_true(perms_is_processor_free("", 1));
    assert_true(perms_is_processor_free("0.20 0.18", 1));
    assert_true(perms_is_processor_free("0.20 0.18 0.12 99", 1));
}

/* ---- paths for people */

static void names_are_shown_in_printable_ascii(void **state)
{
    (void)state;
    char text[64];
    perms_escape(text, sizeof text, "a b\n\x1b\xff\\'\"");
    assert_string_equal(text, "a b\\x0a\\x1b\\xff\\\\'\"");
    perms_escape(text, sizeof text, "");
    assert_string_equal(text, "");
    perms_escape(text, 8, "abcdefg");
    assert_string_equal(text, "...defg");
    perms_escape(text, 8, "abc\xff");
    assert_string_equal(text, "...\\xff");
    perms_escape(text, 8, "ab\xff\xff");
    assert_string_equal(text, "...\\xff");
}

static void a_path_is_made_of_frames_and_cut_at_its_front(void **state)
{
    (void)state;
    char text[256];
    char small[12];
    struct perms_frame root = {.name = "/data"};
    struct perms_frame sub = {.name = "su\nb", .parent = &root};
    struct perms_frame deep = {.name = "deep", .parent = &sub};
    perms_path(text, sizeof text, &deep, "file");
    assert_string_equal(text, "/data/su\\x0ab/deep/file");
    perms_path(text, sizeof text, &root, NULL);
    assert_string_equal(text, "/data");
    perms_path(small, sizeof small, &deep, "file");
    assert_string_equal(small, "...eep/file");
}

/* ---- the kernel's calls */

static void directory_records_are_read_one_after_another(void **state)
{
    (void)state;
    unsigned seen = 0;
    assert_int_equal(mkdir(in_place("dir"), 0755), 0);
    touch(in_place("file"));
    assert_int_equal(symlink("x", in_place("link")), 0);
    int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *buffer = malloc(4096);
    long filled = perms_read(fd, buffer, 4096);
    assert_true(filled > 0);
    for (size_t at = 0; at < (size_t)filled;) {
        struct perms_name entry = perms_next(buffer, &at);
        seen |= strcmp(entry.name, "dir") == 0 && entry.type == DT_DIR ? 1U : 0;
        seen |= strcmp(entry.name, "file") == 0 && entry.type == DT_REG ? 2U : 0;
        seen |= strcmp(entry.name, "link") == 0 && entry.type == DT_LNK ? 4U : 0;
    }
    assert_int_equal(seen, 7);
    assert_int_equal(perms_read(fd, buffer, 4096), 0);
    (void)close(fd);
    assert_int_equal(perms_read(fd, buffer, 4096), -EBADF);
    free(buffer);
}

static void a_look_tells_what_stat_tells(void **state)
{
    (void)state;
    struct stat status;
    struct perms_entry entry;
    assert_int_equal(mkdir(in_place("dir"), 0700), 0);
    assert_int_equal(symlink("dir", in_place("link")), 0);
    assert_int_equal(lstat(in_place("link"), &status), 0);
    assert_int_equal(perms_look(AT_FDCWD, in_place("link"), &entry), 0);
    assert_true(S_ISLNK(entry.mode));
    assert_int_equal(entry.ino, status.st_ino);
    assert_int_equal(entry.dev, status.st_dev);
    assert_int_equal(entry.uid, status.st_uid);
    assert_int_equal(entry.nlink, 1);
    assert_int_equal(perms_look(AT_FDCWD, in_place("none"), &entry), ENOENT);
}

static void both_ways_to_open_a_path_agree(void **state)
{
    (void)state;
    int (*const ways[])(const char *) = {perms_open_path, perms_open_by_names};
    assert_int_equal(mkdir(in_place("dir"), 0755), 0);
    assert_int_equal(mkdir(in_place("dir/sub"), 0755), 0);
    assert_int_equal(symlink("dir", in_place("link")), 0);
    touch(in_place("file"));
    for (size_t i = 0; i < 2; i++) {
        struct perms_entry entry;
        struct perms_entry same;
        int fd = ways[i](in_place("dir/sub"));
        assert_true(fd >= 0);
        assert_int_equal(perms_look(fd, "", &entry), 0);
        assert_int_equal(perms_look(AT_FDCWD, in_place("dir/sub"), &same), 0);
        assert_int_equal(entry.ino, same.ino);
        (void)close(fd);
        fd = ways[i]("/");
        assert_true(fd >= 0);
        (void)close(fd);
        int through = ways[i](in_place("link/sub"));
        int last = ways[i](in_place("link"));
        assert_true(through == -ELOOP || through == -ENOTDIR);
        assert_true(last == -ELOOP || last == -ENOTDIR);
        assert_int_equal(ways[i](in_place("none")), -ENOENT);
        assert_int_equal(ways[i](in_place("file")), -ENOTDIR);
    }
}

/* ---- sentences */

static void each_failure_has_its_status_and_says_what_mends_it(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum err_kind kind;
        const char *word;
    } rows[] = {
        {EROFS,     ERR_IO,     "readOnly" },
        {EDQUOT,    ERR_IO,     "'/x'"     },
        {ENOSPC,    ERR_IO,     "'/x'"     },
        {EINVAL,    ERR_DENIED, "hostUsers"},
        {EOVERFLOW, ERR_DENIED, "hostUsers"},
        {EMFILE,    ERR_IO,     "ulimit"   },
        {EPERM,     ERR_DENIED, "'/x'"     },
    };
    struct perms_policy policy = {.uid = 70, .gid = 70};
    struct perms_entry entry = {.uid = 0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = {0};
        assert_false(perms_explain(&err, rows[i].number, "give", "/x", &policy, &entry));
        assert_int_equal(err.kind, rows[i].kind);
        assert_non_null(strstr(err.message, rows[i].word));
    }
    struct err err = {0};
    entry.immutable = true;
    assert_false(perms_explain(&err, EPERM, "give", "/x", &policy, &entry));
    assert_non_null(strstr(err.message, "chattr"));
}

static void the_advice_names_owner_and_capabilities(void **state)
{
    (void)state;
    struct buf text = buf_new(4096);
    struct perms_policy policy = {.uid = 999, .gid = 1000};
    perms_advice(&policy, &text);
    assert_true(buf_ok(&text));
    assert_non_null(
        strstr(buf_text(&text), "  runAsUser: 999\n  runAsGroup: 1000\n  fsGroup: 1000\n"));
    assert_non_null(
        strstr(buf_text(&text), "add: [CHOWN, DAC_OVERRIDE, FOWNER, SETUID, SETGID]\n"));
    buf_free(&text);
}

/* ---- the whole, as whoever runs the test */

static struct perms_policy own_policy(void)
{
    return (struct perms_policy){.uid = geteuid(), .gid = getegid()};
}

static void a_right_root_ends_the_look(void **state)
{
    (void)state;
    struct perms_report report;
    struct err err = {0};
    struct perms_policy policy = own_policy();
    touch(in_place("file"));
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_true(report.root_was_right);
    assert_int_equal(report.scanned, 1);
    policy.always = true;
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_false(report.root_was_right);
    assert_int_equal(report.scanned, 2);
    assert_int_equal(report.changed, 0);
}

static void the_owner_gets_back_access_to_the_root_and_other_bits_stay(void **state)
{
    (void)state;
    struct perms_report report;
    struct err err = {0};
    struct stat status;
    struct perms_policy policy = own_policy();
    assert_int_equal(chmod(place, 0455), 0);
    if (geteuid() == 0) { /* others cannot read it to walk it */
        assert_true(perms_apply(place, &policy, &report, &err));
        assert_int_equal(stat(place, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0755);
    }
    assert_int_equal(chmod(place, 01777), 0);
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_true(report.root_was_right);
}

static void directories_closed_to_their_owner_are_counted_and_stay(void **state)
{
    (void)state;
    struct perms_report report;
    struct err err = {0};
    struct stat status;
    struct perms_policy policy = own_policy();
    policy.always = true;
    assert_int_equal(mkdir(in_place("dir"), 0600), 0);
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_int_equal(report.closed, 1);
    assert_int_equal(stat(in_place("dir"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_check_counts_and_names_the_first(void **state)
{
    (void)state;
    struct perms_report report;
    struct err err = {0};
    struct perms_policy policy = own_policy();
    policy.uid++;
    policy.check = true;
    touch(in_place("fi\nle"));
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_int_equal(report.scanned, 2);
    assert_int_equal(report.wrong, 2);
    assert_int_equal(report.changed, 0);
    assert_non_null(strstr(report.first_wrong, "/fi\\x0ale"));
}

static void the_root_alone_is_mended_where_that_is_told(void **state)
{
    (void)state;
    struct perms_report report;
    struct err err = {0};
    struct perms_policy policy = own_policy();
    policy.root_only = true;
    policy.root_mode = 0700;
    policy.root_mode_also = 0750;
    assert_int_equal(mkdir(in_place("dir"), 0755), 0);
    assert_int_equal(chmod(place, 02770), 0);
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_int_equal(report.scanned, 1);
    assert_int_equal(report.changed, 1);
    assert_int_equal(chmod(place, 0750), 0);
    assert_true(perms_apply(place, &policy, &report, &err));
    assert_true(report.root_was_right);
}

static void every_number_of_workers_does_the_same(void **state)
{
    (void)state;
    enum { DIRECTORIES = 40, FILES = 40 };
    char path[256];
    for (int i = 0; i < DIRECTORIES; i++) {
        (void)snprintf(path, sizeof path, "%s/%d", place, i);
        assert_int_equal(mkdir(path, 0755), 0);
        for (int j = 0; j < FILES; j++) {
            (void)snprintf(path, sizeof path, "%s/%d/%d", place, i, j);
            touch(path);
        }
    }
    for (int threads = 1; threads <= 8; threads++) {
        struct perms_report report;
        struct err err = {0};
        struct perms_policy policy = own_policy();
        policy.gid++;
        policy.check = true;
        policy.threads = threads;
        assert_true(perms_apply(place, &policy, &report, &err));
        assert_int_equal(report.wrong, 1 + DIRECTORIES * (FILES + 1));
        assert_int_equal(report.scanned, report.wrong);
    }
}

static void what_is_not_there_or_the_systems_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum err_kind kind;
    } rows[] = {
        {"/",                     ERR_USAGE },
        {"/etc/../etc/.",         ERR_USAGE },
        {"/proc",                 ERR_USAGE },
        {"",                      ERR_USAGE },
        {"/tmp/ordain-none/none", ERR_CONFIG},
        {"/dev/null",             ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct perms_report report;
        struct err err = {0};
        struct perms_policy policy = own_policy();
        policy.check = true;
        assert_false(perms_apply(rows[i].path, &policy, &report, &err));
        assert_int_equal(err.kind, rows[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_of_its_own_is_neither_shared_nor_a_part),
        cmocka_unit_test(a_directory_of_the_hosts_is_shared_with_what_else_is_mounted_from_there),
        cmocka_unit_test(a_sub_path_is_a_part_although_nothing_else_is_mounted),
        cmocka_unit_test(a_mount_beside_is_not_below),
        cmocka_unit_test(mount_points_are_shown_escaped),
        cmocka_unit_test(without_numbers_the_longest_mount_point_counts),
        cmocka_unit_test(a_mount_that_is_not_listed_is_told),
        cmocka_unit_test(a_quota_allows_whole_processors),
        cmocka_unit_test(a_processor_is_free_while_fewer_run_than_there_are),
        cmocka_unit_test(names_are_shown_in_printable_ascii),
        cmocka_unit_test(a_path_is_made_of_frames_and_cut_at_its_front),
        cmocka_unit_test(each_failure_has_its_status_and_says_what_mends_it),
        cmocka_unit_test(the_advice_names_owner_and_capabilities),
        cmocka_unit_test(what_is_not_there_or_the_systems_is_refused),
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
        IN_PLACE(directory_records_are_read_one_after_another),
        IN_PLACE(a_look_tells_what_stat_tells),
        IN_PLACE(both_ways_to_open_a_path_agree),
        IN_PLACE(a_right_root_ends_the_look),
        IN_PLACE(the_owner_gets_back_access_to_the_root_and_other_bits_stay),
        IN_PLACE(directories_closed_to_their_owner_are_counted_and_stay),
        IN_PLACE(a_check_counts_and_names_the_first),
        IN_PLACE(the_root_alone_is_mended_where_that_is_told),
        IN_PLACE(every_number_of_workers_does_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
