#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/sys/digest.h"

/* FIPS 180-2, appendices A.1 and B.1, and the digests of nothing. */
static void digests_are_those_of_the_standard(void **state)
{
    (void)state;
    char sha1[41];
    char sha256[65];
    digest_sha1_hex("abc", 3, sha1);
    assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha1_hex("", 0, sha1);
    assert_string_equal(sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    digest_sha256_hex("abc", 3, sha256);
    assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256_hex("", 0, sha256);
    assert_string_equal(sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
