#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/net/dns.h"
#include "init/net/resolv_conf.h"

static void check(const char *text, const char *namespace_name, const char *domain)
{
    char seen[2][RESOLV_CONF_NAME_MAX];
    memset(seen, 0x5a, sizeof seen);
    resolv_conf_search(text, strlen(text), seen[0], seen[1]);
    if (strcmp(seen[0], namespace_name) != 0 || strcmp(seen[1], domain) != 0)
        fail_msg("'%.200s' gives '%s' and '%s'", text, seen[0], seen[1]);
}

static void what_the_kubelet_writes_gives_namespace_and_domain(void **state)
{
    (void)state;
    check("search cache.svc.cluster.local svc.cluster.local cluster.local example.org\n"
          "nameserver 10.96.0.10\noptions ndots:5\n",
          "cache", "cluster.local");
    check("nameserver fd00::a\nsearch a-1.svc.k8s.example.org svc.k8s.example.org k8s.example.org",
          "a-1", "k8s.example.org");
}

static void without_a_namespace_the_domain_alone_is_told(void **state)
{
    (void)state;
    check("search svc.cluster.local cluster.local\n", "", "cluster.local");
    check("search example.org svc.one.local svc.two.local\n", "", "one.local");
    check("search svc.one.local cache.svc.two.local\n", "cache", "two.local");
}

static void the_last_list_counts(void **state)
{
    (void)state;
    check("search a.svc.one.local\nsearch b.svc.two.local\n", "b", "two.local");
    check("search a.svc.one.local\ndomain b.svc.two.local\n", "b", "two.local");
    check("search a.svc.one.local\nsearch\n", "", "");
}

static void spelling_does_not_matter(void **state)
{
    (void)state;
    check("\t search\t\tCache.SVC.Cluster.Local.\r\n", "cache", "cluster.local");
    check("search cache.svc.cluster.local...", "cache", "cluster.local");
    check("search svc.svc.cluster.local svc.cluster.local", "svc", "cluster.local");
}

static void files_without_it_give_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "search",
        "search\n",
        "search example.org\n",
        "searching a.svc.b\n",
        "#search a.svc.b\n",
        "; search a.svc.b\n",
        "nameserver 10.0.0.1\n",
        "search svc\n",
        "search svc.\n",
        "search a.svc\n",
        "search a.svc.\n",
        "search .svc.b\n",
        "search . ..\n",
        "search a.svcs.b\n",
        "search a.b.svc.c\n",
        "Search a.svc.b\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i], "", "");
}

static void names_that_no_server_could_have_are_passed_over(void **state)
{
    (void)state;
    check("search -a.svc.b.c a-.svc.b.c a_b.svc.b.c \xff.svc.b.c a.svc.b..c a.svc.-b a.svc.b- "
          "x.svc.y.z",
          "x", "y.z");
    check("search svc.b..c svc._.c svc.\xff svc.y", "", "y");
}

static void length_has_its_limits_and_number_has_none(void **state)
{
    (void)state;
    char label[65];
    char text[8192];
    memset(label, 'a', sizeof label - 1);
    label[64] = '\0';
    (void)snprintf(text, sizeof text, "search %s.svc.b %s.svc.c", label, label + 1);
    check(text, label + 1, "c");
    int len = snprintf(text, sizeof text, "search");
    for (int i = 0; i < 500; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, " s%d.example", i);
    (void)snprintf(text + len, sizeof text - (size_t)len, " a.svc.b");
    check(text, "a", "b");
    for (size_t bytes = 253; bytes <= 255; bytes++) {
        char domain[512] = "";
        for (size_t i = 0; i < bytes; i++)
            domain[i] = i % 50 == 40 ? '.' : 'b';
        (void)snprintf(text, sizeof text, "search a.svc.%s", domain);
        check(text, bytes == 253 ? "a" : "", bytes == 253 ? domain : "");
    }
}

static void nul_bytes_are_bytes(void **state)
{
    (void)state;
    static const char text[] = "\0\0search x\nsearch a.svc.b\0c\nsearch d.svc.e\n";
    char seen[2][RESOLV_CONF_NAME_MAX];
    resolv_conf_search(text, sizeof text - 1, seen[0], seen[1]);
    assert_string_equal(seen[0], "d");
    assert_string_equal(seen[1], "e");
}

static void a_missing_or_strange_file_is_no_failure(void **state)
{
    (void)state;
    char seen[2][RESOLV_CONF_NAME_MAX];
    static const char *const paths[] = {"/nonexistent/resolv.conf", "/", "/dev/zero", "/dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        memset(seen, 0x5a, sizeof seen);
        dns_search_domain(paths[i], seen[0], seen[1]);
        assert_string_equal(seen[0], "");
        assert_string_equal(seen[1], "");
    }
    char path[] = "/tmp/test_resolv_conf.XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "search a.svc.b\n";
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    dns_search_domain(path, seen[0], seen[1]);
    (void)unlink(path);
    assert_string_equal(seen[0], "a");
    assert_string_equal(seen[1], "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kubelet_writes_gives_namespace_and_domain),
        cmocka_unit_test(without_a_namespace_the_domain_alone_is_told),
        cmocka_unit_test(the_last_list_counts),
        cmocka_unit_test(spelling_does_not_matter),
        cmocka_unit_test(files_without_it_give_nothing),
        cmocka_unit_test(names_that_no_server_could_have_are_passed_over),
        cmocka_unit_test(length_has_its_limits_and_number_has_none),
        cmocka_unit_test(nul_bytes_are_bytes),
        cmocka_unit_test(a_missing_or_strange_file_is_no_failure),
    };
    return cmocka_run_group_tests_name("resolv_conf", tests, NULL, NULL);
}
