/* One round of calls: what no command shows as it is.
 * pg_client_driver CONNECT_MS DEADLINE_MS ROUNDS TARGET... -- COMMAND...
 * TARGET is HOST,ADDR|SOCKET_DIR,PORT,USER,PASSWORD,SSLMODE,CA,DATABASE[,POD_NAME[,shared]] ("replication": a
 * walsender). Every command goes to every server. Prints "SERVER ANSWER SQLSTATE|MESSAGE|VALUES" a call, then the milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/client.h"
#include "init/sys/clock.h"

enum { SERVERS_MAX = 64, CALLS_MAX = 512 };

static const char *const answers[] = {"silent", "nobody", "starting", "denied", "untrusted",
                                      "full",   "broken", "error",    "rows"};

static struct pg_target parse(char *text)
{
    char *word[10] = {"", "", "", "", "", "", "", "", "", ""};
    for (int i = 0; i < 10 && text != NULL; i++)
        word[i] = strsep(&text, ",");
    struct pg_target target = {.host = word[0],
                               .port = atoi(word[2]),
                               .user = word[3],
                               .password = word[4],
                               .sslmode = word[5],
                               .ssl_ca = word[6],
                               .database = word[7],
                               .replication = strcmp(word[7], "replication") == 0,
                               .pod_name = word[8],
                               .shared = strcmp(word[9], "shared") == 0,
                               .application_name = "pg-driver"};
    if (!addr_parse(&target.addr, word[1]))
        target.socket_dir = word[1];
    return target;
}

static void show(const struct pg_call *call)
{
    printf("%d %s %s|%s|", call->server, answers[call->answer], call->sqlstate, call->message);
    for (size_t row = 0; row < call->rows.count; row++)
        for (size_t i = 0; i < call->rows.columns; i++)
            printf("%s%s", pg_call_is_null(call, row, i) ? "NULL" : pg_call_value(call, row, i),
                   i + 1 < call->rows.columns ? "," : ";");
    printf("\n");
}

int main(int argc, char **argv)
{
    struct err err;
    struct pg_client *client = NULL;
    struct pg_call calls[CALLS_MAX];
    int servers = 0, at = 4;
    size_t count = 0;
    if (argc < 6 || !pg_client_open(&client, &err))
        return 70;
    for (; at < argc && strcmp(argv[at], "--") != 0 && servers < SERVERS_MAX; at++, servers++) {
        struct pg_target target = parse(argv[at]);
        if (pg_client_server(client, &target) != servers)
            return 70;
    }
    for (int round = 0; round < atoi(argv[3]); round++) {
        int64_t begin = clock_now_ns();
        count = 0;
        for (int server = 0; server < servers; server++)
            for (int i = at + 1; i < argc && count < CALLS_MAX; i++)
                calls[count++] = pg_call_new(server, argv[i]);
        pg_client_round(client, calls, count, clock_deadline_ns(atoi(argv[1])),
                        clock_deadline_ns(atoi(argv[2])));
        for (size_t i = 0; i < count; i++)
            show(&calls[i]);
        for (int server = 0; server < servers; server++)
            printf("%d version %d in_hot_standby %s\n", server, pg_client_version(client, server),
                   pg_client_parameter(client, server, "in_hot_standby"));
        pg_calls_free(calls, count);
        printf("ms %lld\n", (long long)((clock_now_ns() - begin) / CLOCK_MS));
        fflush(stdout);
        if (round + 1 < atoi(argv[3]) && getchar() == EOF)
            break;
    }
    pg_client_close(client);
    return 0;
}
