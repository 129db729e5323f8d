#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/redis_start.h"
#include "tests/unit/golden.h"

/* The whole input space, not a sample: every fact with every value. */
#define WORDS (START_REGISTER_VALUES * START_HEARD_VALUES)
#define INPUTS (2 * START_MARK_VALUES * START_FILE_VALUES * WORDS * 128)
#define ROWS_MAX 32

static int digit(int *number, int base)
{
    int value = *number % base;
    *number /= base;
    return value;
}

/* Input NUMBER; the facts that the golden file has in one line vary first. */
static struct start_facts facts_of(int number)
{
    struct start_facts facts = {0};
    facts.master_reborn = digit(&number, 2) != 0;
    facts.adopt = digit(&number, 2) != 0;
    facts.birth_is_new = digit(&number, 2) != 0;
    facts.beyond_birth = digit(&number, 2) != 0;
    facts.has_keys = digit(&number, 2) != 0;
    facts.mendable = digit(&number, 2) != 0;
    facts.id_is_ours = digit(&number, 2) != 0;
    facts.heard = (enum start_heard)digit(&number, START_HEARD_VALUES);
    facts.seeded = (enum start_register)digit(&number, START_REGISTER_VALUES);
    facts.file = (enum start_file)digit(&number, START_FILE_VALUES);
    facts.mark = (enum start_mark)digit(&number, START_MARK_VALUES);
    facts.server_lives = digit(&number, 2) != 0;
    assert_int_equal(number, 0);
    return facts;
}

static enum start_action action_of(const struct start_facts *facts)
{
    return redis_start_decide(facts).action;
}

static bool makes_afresh(enum start_action action)
{
    return action == START_SEED || action == START_SINGLE || action == START_LOST;
}

static bool is_birth(enum start_action action)
{
    return action == START_SEED || action == START_SINGLE;
}

static bool starts(enum start_action action)
{
    return action != START_WAIT && action != START_REFUSE;
}

/* --- the golden file --- */

static const char *const lives_names[] = {"", "lives "};
static const char *const mark_names[] = {"no-mark",   "seeding",    "born",
                                         "other-pod", "other-spec", "other-cluster"};
static const char *const file_names[] = {"absent", "torn", "whole"};
static const char *const register_names[] = {"none", "unreachable", "unseeded", "seeded"};
static const char *const heard_names[] = {"unknown", "never", "silent", "heard"};

struct out {
    char text[1 << 18];
    size_t len;
};

static void put(struct out *out, const char *text)
{
    size_t len = strlen(text);
    assert_true(out->len + len < sizeof(out->text));
    memcpy(out->text + out->len, text, len + 1);
    out->len += len;
}

static void put_rows(struct out *out)
{
    static int counts[ROWS_MAX];
    static struct start_decision first[ROWS_MAX];
    char line[600];
    int rows = 0;
    for (int i = 0; i < INPUTS; i++) {
        struct start_facts facts = facts_of(i);
        struct start_decision decision = redis_start_decide(&facts);
        assert_in_range(decision.row, 0, ROWS_MAX - 1);
        if (counts[decision.row]++ == 0)
            first[decision.row] = decision;
        if (decision.row >= rows)
            rows = decision.row + 1;
    }
    put(out, "row, action, how many inputs it answers, sentence\n");
    for (int row = 0; row < rows; row++) {
        if (counts[row] == 0)
            first[row] = (struct start_decision){START_REFUSE, row, "DEAD"};
        (void)snprintf(line, sizeof(line), "%c %-11s %5d  %s\n", 'A' + row,
                       redis_start_action_name(first[row].action), counts[row],
                       first[row].sentence);
        put(out, line);
    }
}

/* The rows of the 128 inputs from FROM on, as letters. */
static void letters(int from, char text[160])
{
    size_t at = 0;
    for (int i = 0; i < 128; i++) {
        struct start_facts facts = facts_of(from + i);
        if (i > 0 && i % 8 == 0)
            text[at++] = i % 64 == 0 ? '|' : ' ';
        text[at++] = (char)('A' + redis_start_decide(&facts).row);
    }
    text[at] = '\0';
}

static void every_answer_is_as_recorded(void **state)
{
    static struct out out;
    (void)state;
    put_rows(&out);
    put(&out,
        "\nthe row of each input; in a line the id is not ours | is ours, then from slow to fast:\n"
        "mendable, keys, beyond the birth (eight a group: birth is new, adopt, master reborn)\n");
    for (int group = 0; group < INPUTS; group += WORDS * 128) {
        struct start_facts facts = facts_of(group);
        char line[300];
        (void)snprintf(line, sizeof(line), "\n%s%s, nodes.conf %s\n",
                       lives_names[facts.server_lives], mark_names[facts.mark],
                       file_names[facts.file]);
        put(&out, line);
        char previous[160] = "";
        for (int i = 0; i < WORDS; i++) {
            char text[160];
            facts = facts_of(group + i * 128);
            letters(group + i * 128, text);
            bool same = strcmp(text, previous) == 0;
            (void)snprintf(line, sizeof(line), "%-11s %-8s%s\n", register_names[facts.seeded],
                           heard_names[facts.heard], same ? "=" : text);
            put(&out, line);
            memcpy(previous, text, sizeof(previous));
        }
    }
    golden_check("redis_start.txt", out.text);
}

/* --- why it is safe --- */

#define FOR_EVERY_INPUT(facts)                                                                     \
    struct start_facts facts = {0};                                                                \
    for (int input = 0; input < INPUTS && (facts = facts_of(input), true); input++)

static void nobody_whom_a_peer_has_heard_of_is_born_again(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.heard == START_HEARD_YES)
            assert_false(is_birth(action_of(&facts)));
    }
}

static void who_was_seeded_is_seeded_again_only_on_the_volume_of_its_unfinished_birth(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        enum start_action action = action_of(&facts);
        if (facts.seeded == START_REGISTER_SEEDED && action == START_SEED)
            assert_int_equal(facts.mark, START_MARK_SEEDING);
        if (facts.seeded == START_REGISTER_SEEDED)
            assert_int_not_equal(action, START_SINGLE);
    }
}

static void a_silent_register_starts_nothing_anew_but_an_unfinished_birth_or_a_proved_loss(
    void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        enum start_action action = action_of(&facts);
        if (facts.seeded != START_REGISTER_UNREACHABLE || !makes_afresh(action))
            continue;
        if (action == START_LOST)
            assert_true(facts.heard == START_HEARD_YES || facts.mark == START_MARK_BORN);
        else
            assert_int_equal(facts.mark, START_MARK_SEEDING);
        assert_int_not_equal(action, START_SINGLE);
    }
}

static void without_a_register_only_a_persons_word_or_an_unfinished_birth_seeds(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.seeded == START_REGISTER_NONE && action_of(&facts) == START_SEED)
            assert_true(facts.birth_is_new || facts.mark == START_MARK_SEEDING);
        if (facts.seeded == START_REGISTER_NONE && action_of(&facts) == START_SINGLE)
            assert_true(facts.birth_is_new || facts.heard == START_HEARD_NO);
    }
}

/* A peer that may know this pod and cannot say so: no person's word makes up for it. */
static void without_a_register_a_silent_peer_stops_every_birth_but_an_unfinished_one(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.seeded != START_REGISTER_NONE || facts.heard != START_HEARD_SILENT)
            continue;
        enum start_action action = action_of(&facts);
        assert_int_not_equal(action, START_SINGLE);
        if (action == START_LOST)
            assert_int_equal(facts.mark, START_MARK_BORN);
        if (action == START_SEED)
            assert_int_equal(facts.mark, START_MARK_SEEDING);
    }
}

/* The mark of a finished birth outlives nodes.conf: no word of anybody makes it a first install. */
static void what_was_born_is_never_born_again(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.mark == START_MARK_BORN)
            assert_false(is_birth(action_of(&facts)));
    }
}

/* Whatever is born while a peer is silent would be so if the peer said no, or were not there. */
static void silence_is_never_bolder_than_a_no(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.heard != START_HEARD_SILENT || !makes_afresh(action_of(&facts)))
            continue;
        struct start_facts other = facts;
        other.heard = START_HEARD_NO;
        assert_int_equal(action_of(&other), action_of(&facts));
        other.heard = START_HEARD_UNKNOWN;
        assert_int_equal(action_of(&other), action_of(&facts));
    }
}

static void keys_and_files_are_never_written_over(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (!makes_afresh(action_of(&facts)))
            continue;
        assert_false(facts.has_keys);
        assert_int_equal(facts.file, START_FILE_ABSENT);
        assert_false(facts.mendable);
    }
}

static void what_belongs_to_another_birth_is_never_started(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        bool other = facts.mark >= START_MARK_OTHER_POD;
        if (other)
            assert_int_equal(action_of(&facts), facts.server_lives ? START_WAIT : START_REFUSE);
    }
}

static void a_living_server_is_never_disturbed(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (facts.server_lives)
            assert_int_equal(action_of(&facts), START_WAIT);
    }
}

static void a_foreign_id_is_started_only_when_adopted(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        enum start_action action = action_of(&facts);
        if (facts.file == START_FILE_WHOLE && !facts.id_is_ours && starts(action)) {
            assert_true(facts.adopt);
            assert_int_equal(action, START_ADOPT);
        }
        if (action == START_ADOPT)
            assert_true(facts.adopt && !facts.id_is_ours && facts.file == START_FILE_WHOLE);
    }
}

static void a_whole_volume_of_ours_restarts_whatever_the_network_says(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        bool other = facts.mark >= START_MARK_OTHER_POD;
        if (facts.file != START_FILE_WHOLE || !facts.id_is_ours || other || facts.server_lives)
            continue;
        if (!facts.master_reborn || !facts.has_keys)
            assert_int_equal(action_of(&facts), START_RESTART);
        else
            assert_int_equal(action_of(&facts), START_REFUSE);
    }
}

static void each_action_needs_what_it_works_on(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        enum start_action action = action_of(&facts);
        if (action == START_RESTART)
            assert_true(facts.file == START_FILE_WHOLE && facts.id_is_ours);
        if (action == START_MEND)
            assert_true(facts.file != START_FILE_WHOLE && facts.mendable);
        if (action == START_SINGLE)
            assert_true(facts.beyond_birth);
        if (action == START_SEED)
            assert_false(facts.beyond_birth);
    }
}

/* Old knowledge makes a start no bolder: what is seeded without it is not what it forbids. */
static void to_hear_more_never_turns_anything_into_a_birth(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct start_facts wiser = facts;
        wiser.heard = START_HEARD_YES;
        if (is_birth(action_of(&wiser)))
            fail();
        wiser = facts;
        wiser.seeded = START_REGISTER_SEEDED;
        if (is_birth(action_of(&wiser)))
            assert_true(is_birth(action_of(&facts)) || facts.heard == START_HEARD_YES);
    }
}

static void no_row_is_dead_and_each_has_one_action_and_one_sentence(void **state)
{
    static struct start_decision seen[ROWS_MAX];
    int rows = 0;
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct start_decision decision = redis_start_decide(&facts);
        struct start_decision *row = &seen[decision.row];
        if (row->sentence == NULL) {
            *row = decision;
            rows++;
        }
        assert_ptr_equal(row->sentence, decision.sentence);
        assert_int_equal(row->action, decision.action);
    }
    for (int row = 0; row < rows; row++)
        assert_non_null(seen[row].sentence);
    assert_int_equal(rows, 23);
}

static void every_action_is_reached_and_has_a_name(void **state)
{
    bool reached[START_ACTIONS] = {false};
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        reached[action_of(&facts)] = true;
    }
    for (int action = 0; action < START_ACTIONS; action++) {
        assert_true(reached[action]);
        assert_true(strlen(redis_start_action_name((enum start_action)action)) > 0);
    }
}

/* What only the network tells: the register, what peers have heard, a reborn master. */
static void local_means_that_no_word_of_the_network_changes_the_action(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct start_facts other = facts;
        bool same = true;
        for (int word = 0; word < WORDS * 2; word++) {
            other.seeded = (enum start_register)(word % START_REGISTER_VALUES);
            other.heard = (enum start_heard)(word / START_REGISTER_VALUES % START_HEARD_VALUES);
            other.master_reborn = word / WORDS != 0;
            same = same && action_of(&other) == action_of(&facts);
        }
        assert_int_equal(redis_start_is_local(&facts), same);
    }
}

static void the_register_is_needed_where_its_word_changes_the_action(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        bool same = true;
        for (int word = 0; word < START_HEARD_VALUES * 2; word++) {
            struct start_facts other = facts;
            other.heard = (enum start_heard)(word % START_HEARD_VALUES);
            other.master_reborn = word / START_HEARD_VALUES != 0;
            other.seeded = START_REGISTER_SEEDED;
            enum start_action action = action_of(&other);
            for (int seeded = 0; seeded < START_REGISTER_VALUES; seeded++) {
                other.seeded = (enum start_register)seeded;
                same = same && action_of(&other) == action;
            }
        }
        assert_int_equal(redis_start_needs_register(&facts), !same);
        if (facts.file == START_FILE_WHOLE)
            assert_false(redis_start_needs_register(&facts));
    }
}

/* A refusal without the network is told in the words that it would have had with it. */
static void a_local_refusal_has_the_same_sentence_whatever_the_network_says(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct start_decision decision = redis_start_decide(&facts);
        if (starts(decision.action) || !redis_start_is_local(&facts))
            continue;
        struct start_facts other = facts;
        other.seeded = START_REGISTER_NONE;
        other.heard = START_HEARD_UNKNOWN;
        other.master_reborn = false;
        assert_ptr_equal(redis_start_decide(&other).sentence, decision.sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded),
        cmocka_unit_test(nobody_whom_a_peer_has_heard_of_is_born_again),
        cmocka_unit_test(who_was_seeded_is_seeded_again_only_on_the_volume_of_its_unfinished_birth),
        cmocka_unit_test(
            a_silent_register_starts_nothing_anew_but_an_unfinished_birth_or_a_proved_loss),
        cmocka_unit_test(without_a_register_only_a_persons_word_or_an_unfinished_birth_seeds),
        cmocka_unit_test(without_a_register_a_silent_peer_stops_every_birth_but_an_unfinished_one),
        cmocka_unit_test(what_was_born_is_never_born_again),
        cmocka_unit_test(silence_is_never_bolder_than_a_no),
        cmocka_unit_test(keys_and_files_are_never_written_over),
        cmocka_unit_test(what_belongs_to_another_birth_is_never_started),
        cmocka_unit_test(a_living_server_is_never_disturbed),
        cmocka_unit_test(a_foreign_id_is_started_only_when_adopted),
        cmocka_unit_test(a_whole_volume_of_ours_restarts_whatever_the_network_says),
        cmocka_unit_test(the_register_is_needed_where_its_word_changes_the_action),
        cmocka_unit_test(each_action_needs_what_it_works_on),
        cmocka_unit_test(to_hear_more_never_turns_anything_into_a_birth),
        cmocka_unit_test(no_row_is_dead_and_each_has_one_action_and_one_sentence),
        cmocka_unit_test(every_action_is_reached_and_has_a_name),
        cmocka_unit_test(local_means_that_no_word_of_the_network_changes_the_action),
        cmocka_unit_test(a_local_refusal_has_the_same_sentence_whatever_the_network_says),
    };
    return cmocka_run_group_tests_name("redis_start", tests, NULL, NULL);
}
