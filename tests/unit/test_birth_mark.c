#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/birth_mark.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define SPEC "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD "format=1\nstate=born\n"
#define CLUSTER "cluster-id=default/redis\n"
#define TAIL "spec=" SPEC "\nid=" ID "\n"
#define WHOLE HEAD CLUSTER TAIL

/* Parses a copy of its own size, so that a byte read too far is seen. */
static enum birth_mark_status parse(struct birth_mark *mark, const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    memset(mark, 'x', sizeof(*mark));
    enum birth_mark_status status = birth_mark_parse(mark, copy, len);
    free(copy);
    return status;
}

static enum birth_mark_status status_of(const char *text)
{
    struct birth_mark mark;
    return parse(&mark, text, strlen(text));
}

static void what_is_written_is_read_back(void **state)
{
    struct birth_mark mark = {.born = false, .cluster_id = "default/redis", .spec = SPEC, .id = ID};
    struct birth_mark read;
    char text[BIRTH_MARK_TEXT_MAX];
    (void)state;
    for (int born = 0; born < 2; born++) {
        mark.born = born != 0;
        size_t len = birth_mark_write(&mark, text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(parse(&read, text, len), BIRTH_MARK_OK);
        assert_int_equal(read.born, mark.born);
        assert_string_equal(read.cluster_id, mark.cluster_id);
        assert_string_equal(read.spec, mark.spec);
        assert_string_equal(read.id, mark.id);
        assert_string_equal(read.synced, "");
    }
    assert_string_equal(text, WHOLE);
    (void)snprintf(mark.synced, sizeof(mark.synced), "%s", ID);
    size_t len = birth_mark_write(&mark, text);
    assert_int_equal(parse(&read, text, len), BIRTH_MARK_OK);
    assert_string_equal(read.synced, ID);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(parse(&read, text, cut), BIRTH_MARK_BAD);
}

static void the_longest_cluster_id_fits_and_a_longer_one_is_refused(void **state)
{
    struct birth_mark mark = {.born = true, .spec = SPEC, .id = ID, .synced = ID};
    struct birth_mark read;
    char text[BIRTH_MARK_TEXT_MAX];
    char longer[2 * BIRTH_MARK_CLUSTER_MAX];
    (void)state;
    memset(mark.cluster_id, 'c', sizeof(mark.cluster_id) - 1);
    size_t len = birth_mark_write(&mark, text);
    assert_true(len < BIRTH_MARK_TEXT_MAX);
    assert_int_equal(parse(&read, text, len), BIRTH_MARK_OK);
    assert_string_equal(read.cluster_id, mark.cluster_id);
    (void)snprintf(longer, sizeof(longer), HEAD "cluster-id=c%s\n" TAIL, mark.cluster_id);
    assert_int_equal(status_of(longer), BIRTH_MARK_BAD);
}

/* A torn mark must not be taken for another one: of no prefix anything is believed. */
static void a_mark_torn_at_any_byte_is_bad(void **state)
{
    struct birth_mark mark;
    (void)state;
    for (size_t len = 0; len < strlen(WHOLE); len++)
        assert_int_equal(parse(&mark, WHOLE, len), BIRTH_MARK_BAD);
    assert_int_equal(parse(&mark, WHOLE, strlen(WHOLE)), BIRTH_MARK_OK);
}

/* A crash may leave zeros where the blocks were not written. */
static void a_mark_zeroed_from_any_byte_on_is_bad(void **state)
{
    struct birth_mark mark;
    char text[] = WHOLE;
    (void)state;
    for (size_t at = strlen(WHOLE); at > 0; at--) {
        text[at - 1] = '\0';
        assert_int_not_equal(parse(&mark, text, strlen(WHOLE)), BIRTH_MARK_OK);
    }
}

static void no_single_wrong_byte_changes_a_mark_unseen_but_in_its_values(void **state)
{
    struct birth_mark mark;
    char text[] = WHOLE;
    (void)state;
    for (size_t at = 0; at < strlen(WHOLE); at++) {
        char right = text[at];
        text[at] = '\1';
        bool in_cluster_id = at >= strlen(HEAD "cluster-id=") && at < strlen(HEAD CLUSTER) - 1;
        enum birth_mark_status status = parse(&mark, text, strlen(WHOLE));
        if (in_cluster_id)
            assert_string_not_equal(mark.cluster_id, "default/redis");
        else
            assert_int_not_equal(status, BIRTH_MARK_OK);
        text[at] = right;
    }
}

static void a_later_format_is_told_apart_from_a_bad_one(void **state)
{
    (void)state;
    assert_int_equal(status_of("format=2\n"), BIRTH_MARK_UNKNOWN_FORMAT);
    assert_int_equal(status_of("format=10\nstate=born\n" CLUSTER TAIL), BIRTH_MARK_UNKNOWN_FORMAT);
    assert_int_equal(status_of("format=\nstate=born\n" CLUSTER TAIL), BIRTH_MARK_BAD);
    assert_int_equal(status_of("state=born\n" CLUSTER TAIL), BIRTH_MARK_BAD);
    assert_int_equal(status_of("format=1"), BIRTH_MARK_BAD);
}

static void keys_of_later_versions_and_any_order_are_taken(void **state)
{
    struct birth_mark mark;
    const char *text = "later=yes\nid=" ID "\nspec=" SPEC "\n\n# words\n=\nids=none\n" CLUSTER
                       "state=seeding\nformat=1\n";
    (void)state;
    assert_int_equal(parse(&mark, text, strlen(text)), BIRTH_MARK_OK);
    assert_false(mark.born);
    assert_string_equal(mark.cluster_id, "default/redis");
    assert_string_equal(mark.id, ID);
}

static void of_a_key_twice_the_first_counts(void **state)
{
    struct birth_mark mark;
    const char *text = WHOLE "cluster-id=other/redis\nstate=seeding\n";
    (void)state;
    assert_int_equal(parse(&mark, text, strlen(text)), BIRTH_MARK_OK);
    assert_true(mark.born);
    assert_string_equal(mark.cluster_id, "default/redis");
}

static void each_missing_or_malformed_value_is_bad(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "<html>\n",
        HEAD TAIL,
        HEAD "cluster-id=\n" TAIL,
        HEAD "cluster-id\n" TAIL,
        HEAD CLUSTER "spec=" SPEC "\n",
        HEAD CLUSTER "id=" ID "\n",
        "format=1\n" CLUSTER TAIL,
        "format=1\nstate=\n" CLUSTER TAIL,
        "format=1\nstate=BORN\n" CLUSTER TAIL,
        "format=1\nstate=bornx\n" CLUSTER TAIL,
        "format=1\nstate=seedin\n" CLUSTER TAIL,
        HEAD CLUSTER "spec=" SPEC "0\nid=" ID "\n",
        HEAD CLUSTER "spec=" SPEC "\nid=" ID "0\n",
        HEAD CLUSTER "spec=0\nid=" ID "\n",
        HEAD CLUSTER "spec=" SPEC "\nid=0123456789ABCDEF0123456789abcdef01234567\n",
        HEAD CLUSTER "spec=" SPEC "\nid=0123456789abcdef 123456789abcdef01234567\n",
        HEAD CLUSTER "spec=" SPEC "\nid=" ID "\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(status_of(texts[i]), BIRTH_MARK_BAD);
}

static void a_nul_in_a_value_is_bad(void **state)
{
    struct birth_mark mark;
    char text[] = WHOLE;
    (void)state;
    text[strlen(HEAD "cluster-id=de")] = '\0';
    assert_int_equal(parse(&mark, text, strlen(WHOLE)), BIRTH_MARK_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_longest_cluster_id_fits_and_a_longer_one_is_refused),
        cmocka_unit_test(a_mark_torn_at_any_byte_is_bad),
        cmocka_unit_test(a_mark_zeroed_from_any_byte_on_is_bad),
        cmocka_unit_test(no_single_wrong_byte_changes_a_mark_unseen_but_in_its_values),
        cmocka_unit_test(a_later_format_is_told_apart_from_a_bad_one),
        cmocka_unit_test(keys_of_later_versions_and_any_order_are_taken),
        cmocka_unit_test(of_a_key_twice_the_first_counts),
        cmocka_unit_test(each_missing_or_malformed_value_is_bad),
        cmocka_unit_test(a_nul_in_a_value_is_bad),
    };
    return cmocka_run_group_tests_name("birth_mark", tests, NULL, NULL);
}
